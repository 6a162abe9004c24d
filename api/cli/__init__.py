"""The ``footnote`` command. Everything but ``serve`` talks to a running service over HTTP."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``footnote`` command."""
    from api.cli.commands import app

    app(prog_name="footnote")
