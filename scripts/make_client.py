"""Make the blocking client from the asynchronous one: ``python -m scripts.make_client [--check]``.

Both have the same methods, so only one is written by hand. The translation knows nothing of Python: it
replaces the words in which the two differ, and a test holds the outcome to the folder.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "api" / "client" / "aio"
TARGET = ROOT / "api" / "client" / "blocking"

_HEADER = "# Made by scripts/make_client.py from api/client/aio/{name}; change that one.\n"
_WORDS = (
    (r"``async (for|with)", r"``\1"),
    (r"\basync (def|for|with) ", r"\1 "),
    (r"\bawait ", ""),
    (r"\bAsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
    (r"\bAsync(Generator|Iterator)\b", r"\1"),
    (r"\bhttpx\.AsyncClient\b", "httpx.Client"),
    (r"\bAsyncBaseTransport\b", "BaseTransport"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"__a(enter|exit|iter|next)__", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"^import asyncio$", "import time"),
    (r"\bapi\.client\.aio\b", "api.client.blocking"),
)


def translated(source: str, name: str) -> str:
    """The blocking module for the asynchronous one called ``name``, not yet formatted."""
    if name == "__init__.py":
        return '"""The blocking client, made from ``api/client/aio`` by ``scripts/make_client.py``."""\n'
    for pattern, replacement in _WORDS:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return _HEADER.format(name=name) + source


def make(target: Path) -> None:
    """Write the blocking client to a folder, formatted as the linter wants it."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(SOURCE.glob("*.py")):
        (target / path.name).write_text(translated(path.read_text(), path.name))
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--quiet"]
    subprocess.run([*ruff, "check", "--fix", *settings, str(target)], check=True)
    subprocess.run([*ruff, "format", *settings, str(target)], check=True)


if __name__ == "__main__":
    make(TARGET)
