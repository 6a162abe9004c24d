"""The figures that are looked up at every scrape: queues, indexes, storage, processes."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from api import processes
from api.metrics import Figure
from api.readiness import PartStatus
from rag.errors import FootnoteError
from rag.models.tally import Totals
from rag.network_guard import Destination
from rag.stores import measures
from rag.stores.database import SQLITE_VERSION, Database
from rag.stores.index_follower import IndexFollower
from rag.stores.vector_index import FAISS_VERSION

_SPACE_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Sources:
    """What is looked at; everything else about the service is nobody's business here."""

    database: Database
    indexes: Sequence[IndexFollower]
    indexes_path: Path
    load: Iterable[Figure]
    """Of the queues and the event loop (``api.load``)."""
    at_generator: int
    generator: Totals
    parts: Mapping[str, PartStatus]
    process_ids: Mapping[str, int]
    worker_restarts: int
    refused: Mapping[str, Mapping[str, float]]
    """Refused connections by process and destination."""


def collect(sources: Sources) -> Iterator[Figure]:
    """All of them. What cannot be read, for a database that fails, is left out of the scrape."""
    yield _build()
    try:
        yield from _stored(sources)
    except FootnoteError:
        yield Figure("footnote_scrape_failed", "Figures of the database could not be read.", (), {(): 1.0})
    yield from _files(sources)
    yield from sources.load
    yield from _generator(sources)
    yield from _parts(sources)
    yield from _processes(sources.process_ids)


def _build() -> Figure:
    built = (version("footnote"), platform.python_version(), SQLITE_VERSION, FAISS_VERSION)
    labels = ("version", "python", "sqlite", "faiss")
    return Figure("footnote_build_info", "What is running; always 1.", labels, {built: 1.0})


def _stored(sources: Sources) -> Iterator[Figure]:
    with sources.database.read() as tx:
        found = measures.measure(tx)
        standing = {one.space[:_SPACE_SHOWN]: one.standing(tx) for one in sources.indexes}
    yield Figure("footnote_jobs", "Jobs by state.", ("state",), _by_one(found.jobs))
    yield Figure(
        "footnote_jobs_oldest_waiting_seconds",
        "For how long the job that waits longest has been waiting; 0 when none does.",
        (),
        {(): found.oldest_waiting_seconds},
    )
    yield Figure("footnote_jobs_paused", "Whether no job is begun.", (), {(): float(found.paused)})
    yield Figure("footnote_versions", "Versions of documents by state.", ("state",), _by_one(found.versions))
    yield Figure(
        "footnote_index_vectors",
        "Vectors in the index in memory.",
        ("space",),
        {(space,): float(one.vectors) for space, one in standing.items()},
    )
    yield Figure(
        "footnote_index_lag",
        "Changes that the next search applies to the index first.",
        ("space",),
        {(space,): float(one.lag) for space, one in standing.items()},
    )
    yield Figure(
        "footnote_index_rebuilds",
        "Times an index was built anew from the database.",
        ("space",),
        {(space,): float(one.rebuilds) for space, one in standing.items()},
        "counter",
    )
    measured: dict[tuple[str, ...], float] = {
        (space,): one.recall for space, one in standing.items() if one.recall is not None
    }
    yield Figure(
        "footnote_index_recall",
        "Recall@10 against exact search, measured when the index was trained; none while it is exact.",
        ("space",),
        measured,
    )
    yield Figure("footnote_blob_bytes", "Bytes of original files.", (), {(): float(found.blob_bytes)})


def _files(sources: Sources) -> Iterator[Figure]:
    path = sources.database.path
    sizes = {
        "database": _size(path),
        "wal": _size(path.with_name(path.name + "-wal")),
        "indexes": sum(map(_size, sources.indexes_path.rglob("*"))),
    }
    yield Figure("footnote_file_bytes", "Bytes of files of the data folder.", ("file",), _by_one(sizes))
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return
    yield Figure("footnote_disk_free_bytes", "Free bytes where the database is.", (), {(): float(free)})


def _generator(sources: Sources) -> Iterator[Figure]:
    totals = sources.generator
    pending = float(sources.at_generator)
    yield Figure("footnote_generator_pending", "Requests at the model or waiting for it.", (), {(): pending})
    yield Figure(
        "footnote_generations",
        "Generations by how they ended.",
        ("reason",),
        _by_one(totals.generations),
        "counter",
    )
    yield Figure(
        "footnote_generator_tokens",
        "Tokens read (prompt), not read again (reused) and written (completion).",
        ("kind",),
        _by_one(totals.tokens),
        "counter",
    )
    yield Figure(
        "footnote_generator_seconds",
        "Seconds that generations waited (queue), read (prefill) and wrote (decode).",
        ("phase",),
        _by_one(totals.seconds),
        "counter",
    )


def _parts(sources: Sources) -> Iterator[Figure]:
    ready = {name: float(part.state == "ready") for name, part in sources.parts.items()}
    yield Figure("footnote_part_ready", "Whether a part of the service is ready.", ("part",), _by_one(ready))
    restarts = {"worker": sources.worker_restarts, "generator": sources.generator.restarts}
    yield Figure(
        "footnote_restarts", "Restarts of child processes.", ("process",), _by_one(restarts), "counter"
    )
    # Every kind from the beginning: an alert on an increase needs a value to increase from.
    refused: dict[tuple[str, ...], float] = {
        (process, kind.value): float(counts.get(kind.value, 0))
        for process, counts in sources.refused.items()
        for kind in Destination
    }
    yield Figure(
        "footnote_refused_connections",
        "Connections that were not configured and were refused.",
        ("process", "destination"),
        refused,
        "counter",
    )


def _processes(ids: Mapping[str, int]) -> Iterator[Figure]:
    found = {
        role: [figures for pid in pids if (figures := processes.figures_of(pid)) is not None]
        for role, pids in processes.with_parsers(ids).items()
    }
    resident = {role: sum(one.resident_bytes for one in every) for role, every in found.items()}
    yield Figure("footnote_process_resident_bytes", "Memory in use.", ("process",), _by_one(resident))
    cpu = {role: sum(one.cpu_seconds for one in every) for role, every in found.items()}
    yield Figure(
        "footnote_process_cpu_seconds", "Processor time of what runs now.", ("process",), _by_one(cpu)
    )
    files = {role: sum(one.open_files for one in every) for role, every in found.items()}
    yield Figure("footnote_process_open_files", "Open files.", ("process",), _by_one(files))


def _by_one(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(name,): float(value) for name, value in values.items()}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
