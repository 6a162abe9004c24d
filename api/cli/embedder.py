"""``footnote embedder``: which model serves the library, and going over to another one."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from api.cli.connection import Connection
from api.cli.output import print_fields, print_json

_LOOK_SECONDS = 1.0
_LINE_SECONDS = 10.0


def status(service: Connection, as_json: bool) -> None:
    _tell(service.call("GET", "/v1/embedder"), as_json)


def migrate(service: Connection, *, force: bool, wait: bool, as_json: bool) -> int:
    return _go(service, "migrate", {"json": {"force": force}}, wait=wait, as_json=as_json)


def back(service: Connection, *, wait: bool, as_json: bool) -> int:
    return _go(service, "back", {}, wait=wait, as_json=as_json)


def finish(service: Connection, as_json: bool) -> None:
    _tell(service.call("POST", "/v1/embedder/finish"), as_json)


def _go(service: Connection, action: str, body: Mapping[str, Any], *, wait: bool, as_json: bool) -> int:
    """Returns the exit status: 1 if the migration has stopped."""
    told = service.call("POST", f"/v1/embedder/{action}", **body)
    if wait and told["migration"] is not None:
        told = _watched(service, told)
    _tell(told, as_json)
    migration = told["migration"]
    return 1 if migration is not None and migration["state"] == "stopped" else 0


def _watched(service: Connection, told: dict[str, Any]) -> dict[str, Any]:
    """Until the migration is over or has stopped."""
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(24),
        TextColumn("{task.fields[told]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    last_line = time.monotonic()
    with bars:
        bar = bars.add_task("Embedding", total=None, told="")
        while (migration := told["migration"]) is not None and migration["state"] != "stopped":
            line = progress(migration)
            bars.update(bar, total=migration["total"] or None, completed=migration["done"], told=line)
            if not console.is_terminal and time.monotonic() - last_line > _LINE_SECONDS:
                print(line, file=sys.stderr)
                last_line = time.monotonic()
            time.sleep(_LOOK_SECONDS)
            told = service.call("GET", "/v1/embedder")
    return told


def progress(migration: Mapping[str, Any]) -> str:
    """``building, 1,200 of 9,000 passages, 52.1 a second, about 150 s left``."""
    words = [migration["state"].replace("_", " ")]
    words.append(f"{migration['done']:,} of {migration['total']:,} passages")
    if migration["state"] == "building":
        if migration["rate"]:
            words.append(f"{migration['rate']:,.1f} a second")
        if migration["eta_seconds"] is not None:
            words.append(f"about {migration['eta_seconds']:,.0f} s left")
    return ", ".join(words)


def found(figures: Mapping[str, Any] | None) -> str:
    """``own passage first: 0.97 of 200 sentences, 0.99 before``."""
    if figures is None:
        return ""
    told = f"own passage first: {figures['after']['first']:.2f} of {figures['questions']} sentences"
    return told if figures["before"] is None else f"{told}, {figures['before']['first']:.2f} before"


def _tell(told: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    migration = told["migration"]
    fields = {name: _model(told[name]) for name in ("serving", "refused", "previous")}
    if migration is not None:
        fields["migration"] = f"to {_model(migration['to'])}: {progress(migration)}"
        if migration["trouble"] is not None:
            fields["trouble"] = f"{migration['trouble']['code']}: {migration['trouble']['detail']}"
    fields["check"] = found(told["figures"] if migration is None else migration["figures"])
    fields["notes"] = "\n".join(told["notes"])
    print_fields(fields)


def _model(model: Mapping[str, Any] | None) -> str:
    if model is None:
        return ""
    where = ", packaged" if model["packaged"] else ""
    return f"{model['name']} (sha256 {model['sha256'][:12]}, {model['dimension']} dimensions{where})"
