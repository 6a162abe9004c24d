"""``footnote backup``, ``verify`` and ``restore``: the whole library as one file, and back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from rich.filesize import decimal

from api.cli.output import print_fields, print_json
from api.cli.phase_bar import PhaseBar
from api.settings import Settings, load
from rag.errors import BadRequest, FootnoteError, NotFound
from rag.stores import backup_reading, backup_writing, schema
from rag.stores.backup_format import Manifest, Progress, allowed
from rag.stores.blobs import BlobStore
from rag.stores.key_tokens import SECRET_NAME
from rag.stores.receipt_writer import JOURNAL_NAME

Made = tuple[Manifest, str]


def backup(overrides: Mapping[str, Any], target: Path, as_json: bool) -> int:
    """Write the data folder into one file, whether or not the service runs; returns the exit status."""
    return _reported(lambda tell: _backed_up(load(os.environ, overrides), target, tell), target, as_json)


def verify(path: Path, as_json: bool) -> int:
    """Read a backup and check everything in it; returns the exit status."""
    return _reported(lambda tell: backup_reading.verify(path, schema.revisions(), tell), path, as_json)


def restore(path: Path, folder: Path, as_json: bool) -> int:
    """Make a new data folder from a backup; returns the exit status."""
    target = folder.absolute()
    return _reported(
        lambda tell: backup_reading.restore(path, target, schema.revisions(), tell), folder, as_json
    )


def _backed_up(settings: Settings, target: Path, tell: Progress) -> Made:
    if not settings.database_path.exists():
        raise NotFound("no_library", f"There is no library in {settings.data}; name one with --data.")
    target = target.absolute()
    if target.resolve().is_relative_to(settings.data.resolve()):
        raise BadRequest(
            "backup_inside_library",
            "A backup inside the data folder goes when that goes; name a file elsewhere.",
        )
    journal = settings.database_path.with_name(JOURNAL_NAME)
    return backup_writing.write(
        target,
        settings.database_path,
        [journal, journal.with_name(f"{JOURNAL_NAME}.taken")],
        BlobStore(settings.blobs_path),
        _small_files(settings.data),
        version("footnote"),
        tell,
    )


def _small_files(data: Path) -> dict[str, Path]:
    """What the data folder holds besides the database and the originals that cannot be made again, by the
    names it gets in the backup."""
    runs = {f"evals/{path.name}": path for path in (data / "evals").glob("*.json")}
    return {SECRET_NAME: data / SECRET_NAME} | {name: path for name, path in runs.items() if allowed(name)}


def _reported(work: Callable[[Progress], Made], where: Path, as_json: bool) -> int:
    # Ended from outside, it cleans up as it does on any other failure.
    signal.signal(signal.SIGTERM, _leave)
    try:
        with PhaseBar(of_bytes=True) as bar:
            manifest, sha256 = work(bar.tell)
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"footnote: {error.filename or where}: {error.strerror}", file=sys.stderr)
        return 1
    _print(manifest, sha256, where, as_json)
    return 0


def _print(manifest: Manifest, sha256: str, where: Path, as_json: bool) -> None:
    fields = {
        "made": manifest.created_at,
        "software": manifest.software,
        "schema": manifest.schema,
        **manifest.counts,
        "bytes": manifest.bytes,
        "manifest_sha256": sha256,
    }
    if as_json:
        print_json({"path": str(where), **fields})
    else:
        print_fields({"path": where, **fields, "bytes": decimal(manifest.bytes)})


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)
