"""``footnote models list``, ``import``, ``verify``, ``quantize`` and ``use``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from api.cli.output import print_fields, print_json
from api.cli.phase_bar import PhaseBar
from api.settings import Settings, load
from rag.errors import FootnoteError
from rag.models import model_task
from rag.models.forms import named
from rag.models.model_library import Entry, Kind, ModelLibrary, is_sound, of_file
from rag.observability import logs
from rag.observability.logs import LogFormat, LogLevel

_SHOWN = 12

Overrides = Mapping[str, Any]


def list_all(overrides: Overrides, as_json: bool) -> int:
    """Every model there is; returns the exit status."""
    return reported(lambda settings: _listed(settings, as_json), overrides)


def add(overrides: Overrides, file: Path, as_json: bool) -> int:
    """Copy a file into the folder of models; returns the exit status."""

    def work(settings: Settings) -> int:
        with PhaseBar() as bar:
            entry = ModelLibrary.within(settings.models).add(file, bar.tell)
        show(entry, as_json)
        return 0

    return reported(work, overrides)


def verify(overrides: Overrides, as_json: bool) -> int:
    """Hash every file; returns the exit status, 1 when one is not what was recorded."""

    def work(settings: Settings) -> int:
        entries = ModelLibrary.within(settings.models).entries()
        sound = []
        with PhaseBar() as bar:
            for number, entry in enumerate(entries):
                bar.tell("Hashing", number, len(entries))
                sound.append(is_sound(entry))
        if as_json:
            print_json([{**described(entry), "sound": ok} for entry, ok in zip(entries, sound, strict=True)])
        else:
            for entry, ok in zip(entries, sound, strict=True):
                print(f"{'ok     ' if ok else 'CHANGED'}  {entry.record.sha256}  {entry.name}")
        return int(not all(sound))

    return reported(work, overrides)


def quantize(overrides: Overrides, name: str, form: str, as_json: bool) -> int:
    """Make another form of a model; returns the exit status."""

    def work(settings: Settings) -> int:
        library = ModelLibrary.within(settings.models)
        source = found(library, name)
        with PhaseBar() as bar:
            bar.tell(f"Writing {source.name} as {named(form)}", 0, 1)
            entry = library.make(source, form, settings.threads)
        if source.record.form not in ("", "F32", "F16", "BF16"):
            print(
                f"footnote: {source.name} is quantized itself ({source.record.form}): what that lost stays "
                "lost, and the weights were rounded once more. A file of 16 bits gives a better result.",
                file=sys.stderr,
            )
        show(entry, as_json)
        return 0

    return reported(work, overrides)


def use(overrides: Overrides, name: str, as_json: bool) -> int:
    """Put a model into force; returns the exit status."""

    def work(settings: Settings) -> int:
        entry = ModelLibrary.within(settings.models).use(name)
        show(entry, as_json)
        said = "FOOTNOTE_MODEL names another file, which goes first" if settings.model else ""
        print(f"footnote: {said or 'in force from the next start of the service on'}.", file=sys.stderr)
        return 0

    return reported(work, overrides)


def reported(work: Callable[[Settings], int], overrides: Overrides) -> int:
    """Do something with the settings in force, and say in one line what went wrong."""
    logs.configure("models", LogLevel.ERROR, LogFormat.TEXT)  # standard output is for what was asked
    try:
        return work(load(os.environ, overrides))
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
    except OSError as error:
        print(f"footnote: {error.filename or 'the file'}: {error.strerror}", file=sys.stderr)
    return 1


def found(library: ModelLibrary, name: str) -> Entry:
    """A model of the library, or a GGUF file that lies anywhere, which is tried out first."""
    path = Path(name)
    if path.suffix == ".gguf" and path.is_file():
        model_task.check(path)
        return of_file(path)
    return library.find(name)


def described(entry: Entry) -> dict[str, Any]:
    return {"name": entry.name, **asdict(entry.record), "path": str(entry.path)}


def show(entry: Entry, as_json: bool) -> None:
    if as_json:
        print_json(described(entry))
    else:
        print_fields({**described(entry), "bytes": decimal(entry.record.bytes)})


def _listed(settings: Settings, as_json: bool) -> int:
    library = ModelLibrary.within(settings.models)
    entries, chosen = library.entries(), library.in_force()
    if settings.model is not None:
        chosen = of_file(settings.model)
        entries = [*(entry for entry in entries if entry.path != chosen.path), chosen]
    if as_json:
        print_json([{**described(entry), "in_force": entry == chosen} for entry in entries])
        return 0
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        record = entry.record
        about = f"{record.kind:<8}  {record.form:<6}  {decimal(record.bytes):>9}  {record.sha256[:_SHOWN]}"
        licence = f"  {record.licence}" if record.licence else ""
        print(f"{'*' if entry == chosen else ' '} {entry.name:<{width}}  {about}{licence}")
    if any(entry.record.kind is Kind.MADE for entry in entries):
        print("Forms that were made here can be made again; * is in force.", file=sys.stderr)
    return 0
