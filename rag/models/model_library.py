"""The generators that this machine has: the packaged one, imported files, forms made here; one is in force.

A file ``NAME.gguf`` in the folder counts when a record ``NAME.json`` beside it says what it is; the record
is written last. The choice is a name with a sha256: a file that is no longer what was chosen is not used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from rag.errors import Conflict, FootnoteError, NotFound, StorageFailed, Unavailable
from rag.models import model_task
from rag.models.forms import FORMS, named
from rag.models.hashing import sha256_of
from rag.models.locations import default_model_path

CHOICE = "in-force.json"
_BLOCK = 1 << 20
_NAME = re.compile(r"[^\w.+-]+")
_FORM_AT_END = re.compile(rf"[._-]({'|'.join(FORMS)})$", re.IGNORECASE)

_log = logging.getLogger(__name__)

Tell = Callable[[str, int, int], None]
"""Hears what is being done, and how many of how many bytes."""


class Kind(StrEnum):
    PACKAGED = "packaged"
    IMPORTED = "imported"
    MADE = "made"


@dataclass(frozen=True, slots=True)
class Record:
    """``licence`` is what the file claims; ``made_from`` the sha256 of the file it was quantized from."""

    kind: Kind
    sha256: str
    bytes: int
    form: str = ""
    licence: str = ""
    made_from: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model by its name, where it lies, and what was recorded of it."""

    name: str
    path: Path
    record: Record


class ModelLibrary:
    """Several processes may use one folder: every file appears whole or not at all.

    Args:
        folder: of generators; may not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def within(cls, models: Path) -> ModelLibrary:
        """The one in the folder of models (``FOOTNOTE_MODELS``)."""
        return cls(models / "generators")

    def entries(self) -> list[Entry]:
        """The packaged model first, then by name."""
        found = (self._entry(path) for path in sorted(self._folder.glob("*.gguf")))
        return [*_packaged(), *(entry for entry in found if entry)]

    def find(self, name: str) -> Entry:
        """Raises ``NotFound`` (``unknown_model``)."""
        wanted = name.removesuffix(".gguf")
        for entry in self.entries():
            if entry.name == wanted or (name == Kind.PACKAGED and entry.record.kind is Kind.PACKAGED):
                return entry
        raise NotFound("unknown_model", f"There is no model {name!r} here; see `footnote models list`.")

    def in_force(self) -> Entry | None:
        """The model that is used where no setting names another; None where there is none at all."""
        chosen = self._choice()
        entries = self.entries()
        for entry in entries:
            if chosen == (entry.name, entry.record.sha256):
                return entry
        return next((entry for entry in entries if entry.record.kind is Kind.PACKAGED), None)

    def use(self, name: str) -> Entry:
        """Put a model into force from the next start on.

        Raises:
            NotFound: ``unknown_model``.
            Unavailable: ``model_unusable`` when its file has changed.
        """
        entry = self.find(name)
        if not is_sound(entry):
            raise Unavailable(
                "model_unusable",
                f"{entry.path.name} is not the file that was recorded; import or make it again.",
            )
        self._write_json(self._folder / CHOICE, {"name": entry.name, "sha256": entry.record.sha256})
        return entry

    def add(self, source: Path, tell: Tell) -> Entry:
        """Copy a GGUF file into the folder, once llama.cpp has loaded the copy and computed with it.

        Raises:
            Conflict: ``model_exists``.
            StorageFailed: ``storage_failed``.
            Unavailable: ``model_unusable``.
        """
        name = _NAME.sub("-", source.name.removesuffix(".gguf")).strip(".-") or "model"
        target = self._folder / f"{name}.gguf"
        if any(entry.name == name for entry in self.entries()):
            raise Conflict("model_exists", f"There is a model {name} already; rename the file.")
        with _writing(), self._unfinished(target) as copy:
            sha256 = _copied(source, copy, tell)
            tell(f"Trying out {name}", 0, 1)
            found = model_task.check(copy)
            copy.replace(target)
        record = Record(Kind.IMPORTED, sha256, target.stat().st_size, found["form"], found["licence"])
        return self._enter(target, record)

    def make(self, source: Entry, form: str, threads: int) -> Entry:
        """A model in another form. What was made before from the same file is returned as it is.

        Raises:
            BadRequest: ``unknown_form``.
            Conflict: ``model_exists`` when an imported one has the name.
            StorageFailed: ``storage_failed``.
            Unavailable: ``model_unusable``.
        """
        form = named(form)
        name = f"{_FORM_AT_END.sub('', source.name)}.{form}"
        target = self._folder / f"{name}.gguf"
        there = next((entry for entry in self.entries() if entry.name == name), None)
        if there is not None and there.record.kind is not Kind.MADE:
            raise Conflict("model_exists", f"There is a model {name} already; use it, or rename its file.")
        if there is not None and there.record.made_from == source.record.sha256 and is_sound(there):
            return there
        with _writing():
            self._folder.mkdir(parents=True, exist_ok=True)
        with model_task.ModelTask() as task:
            asked = {"source": str(source.path), "target": str(target), "form": form, "threads": threads}
            task.do("quantize", source.path, **asked)
        with _writing():
            sha256, size = sha256_of(target), target.stat().st_size
        record = Record(Kind.MADE, sha256, size, form, source.record.licence, source.record.sha256)
        return self._enter(target, record)

    def remove(self, entry: Entry) -> None:
        """Delete a model that was made here; what is in force stays."""
        if entry.record.kind is Kind.MADE and entry != self.in_force():
            with _writing():
                entry.path.with_suffix(".json").unlink(missing_ok=True)
                entry.path.unlink(missing_ok=True)

    def _entry(self, path: Path) -> Entry | None:
        stored = _read_json(path.with_suffix(".json"))
        names = {field.name for field in fields(Record)}
        try:
            kept = {name: value for name, value in stored.items() if name in names}
            return Entry(path.stem, path, Record(**{**kept, "kind": Kind(kept["kind"])}))
        except (KeyError, ValueError, TypeError):
            return None  # not finished, or not ours

    def _enter(self, target: Path, record: Record) -> Entry:
        self._write_json(target.with_suffix(".json"), asdict(record))
        return Entry(target.stem, target, record)

    def _choice(self) -> tuple[str, str] | None:
        stored = _read_json(self._folder / CHOICE)
        return (str(stored["name"]), str(stored["sha256"])) if {"name", "sha256"} <= stored.keys() else None

    def _write_json(self, path: Path, value: dict[str, Any]) -> None:
        with _writing(), self._unfinished(path) as new:
            with new.open("w", encoding="utf-8") as file:
                json.dump(value, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)

    @contextmanager
    def _unfinished(self, target: Path) -> Iterator[Path]:
        """Another place for ``target`` to be written to first; whatever is left there goes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".new-") as folder:
            yield Path(folder) / target.name


def generator_path(models: Path) -> Path:
    """The file the service runs where no setting names one: the one in force, if it is what was chosen.

    Raises:
        Unavailable: ``model_missing`` when there is none.
    """
    library = ModelLibrary.within(models)
    entry = library.in_force()
    if entry is None or entry.record.kind is Kind.PACKAGED:
        return default_model_path()
    if is_sound(entry):
        return entry.path
    _log.warning("the model in force, %s, is damaged: the packaged one is used", entry.name)
    return default_model_path()


def is_sound(entry: Entry) -> bool:
    """Whether the file is byte for byte what was recorded."""
    try:
        return sha256_of(entry.path) == entry.record.sha256
    except OSError:
        return False


def of_file(path: Path) -> Entry:
    """A model that lies anywhere, with what is seen without loading it.

    Raises:
        NotFound: ``unknown_model``.
    """
    try:
        record = Record(Kind.IMPORTED, sha256_of(path), path.stat().st_size, _form_of(path.stem))
    except OSError as error:
        raise NotFound("unknown_model", f"{path} cannot be read ({error.strerror}); name another.") from error
    return Entry(path.stem, path, record)


def _packaged() -> list[Entry]:
    try:
        path = default_model_path()
        record = Record(
            Kind.PACKAGED, sha256_of(path), path.stat().st_size, _form_of(path.stem), licence="apache-2.0"
        )
    except (FootnoteError, OSError):
        return []
    return [Entry(path.stem, path, record)]


def _form_of(stem: str) -> str:
    found = _FORM_AT_END.search(stem)
    return found[1].upper() if found else ""


def _copied(source: Path, target: Path, tell: Tell) -> str:
    digest, done, total = hashlib.sha256(), 0, source.stat().st_size
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(_BLOCK):
            writing.write(block)
            digest.update(block)
            done += len(block)
            tell(f"Copying {source.name}", done, total)
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(
            "storage_failed",
            f"The folder of models cannot be written ({error.strerror}); free or mend the disk.",
        ) from error
