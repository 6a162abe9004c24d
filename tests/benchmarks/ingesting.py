"""Ingestion as its users meet it: a long PDF, ten thousand small files, deleting, searching meanwhile.

``python -m tests.benchmarks.ingesting [--documents N] [--runs N] [--peers FOLDER]`` writes a dated table.
Times from 202 are the service's own, between taking the file in and having it searchable; ratios compare
parts of the same run. ``--peers`` is a folder with LangChain's loaders, see ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import accumulate
from pathlib import Path
from pydoc_data import topics
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import quantile
from rag.evaluation.reports import Figure, Report, at_most_ms, write
from tests.benchmarks import longpdf, speed_of_light
from tests.evals.reading import REPORTS

PAGES = 100
_SENDERS = 8
_WINDOW = 1000
_DELETED = 20
_QUESTIONS = ("when does the ferry leave", "how long is the pier", "who keeps the lamp burning at night")


@dataclass(frozen=True, slots=True)
class LongPdf:
    """One long PDF: seconds to searchable and to refined, and what it consisted of."""

    ready: float
    refined: float
    chunks: int


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name, Progress() as progress:
        folder = Path(name)
        pdf = longpdf.make(folder / "long.pdf", PAGES)
        with LocalService(folder) as service:
            connection = Connection(service.address)
            runs = [
                _read_long(connection, pdf) for _ in progress.track(range(arguments.runs), description="PDF")
            ]
            figures = _long_figures(runs, pdf)
            figures += _peer_figures(arguments.peers, pdf, runs)
            figures += _bulk_figures(connection, arguments.bulk)
            figures += _many_figures(service, connection, arguments.documents, progress)
            memory = service.peak_memory()
    figures += [Figure(f"peak memory, {name}", f"{size:,.0f} MiB") for name, size in memory.items()]
    notes = [f"{len(runs)} runs over a PDF of {PAGES} pages, {runs[0].chunks} chunks."]
    report = Report("ingesting", "Ingestion: times and memory", "make bench", figures, notes)
    print(write(report, REPORTS).read_text())


def _read_long(connection: Connection, pdf: Path) -> LongPdf:
    accepted = _upload(connection, pdf.name, pdf.read_bytes())
    document = _until(connection, accepted["document"]["id"], "refined")
    sent = datetime.fromisoformat(accepted["job"]["created_at"])
    ready = datetime.fromisoformat(document["ready_at"])
    refined = datetime.fromisoformat(document["refined_at"])
    connection.call("DELETE", f"/v1/documents/{document['id']}")
    return LongPdf((ready - sent).total_seconds(), (refined - ready).total_seconds(), document["chunks"])


def _long_figures(runs: Sequence[LongPdf], pdf: Path) -> list[Figure]:
    ready = quantile([run.ready for run in runs], 0.5)
    refining = quantile([run.refined for run in runs], 0.5)
    chunks = runs[0].chunks
    bare = speed_of_light.chunks_per_second(pdf)
    share = chunks / refining / bare
    return [
        at_most_ms(f"from 202 to ready, {PAGES} pages, median", ready * 1000, 1500),
        Figure("pages read a second", f"{PAGES / ready:.0f}"),
        Figure("chunks refined a second", f"{chunks / refining:.1f}"),
        Figure("of the bare ONNX session on the same batches", f"{share:.0%}", ">= 90 %", share >= 0.9),
    ]


def _peer_figures(peers: Path | None, pdf: Path, runs: Sequence[LongPdf]) -> list[Figure]:
    if peers is None or not peers.is_dir():
        return [Figure("LangChain on the same PDF", "not measured: its packages are not there")]
    command = [sys.executable, "-m", "tests.benchmarks.langchain_peer", str(pdf)]
    environment = os.environ | {"PYTHONPATH": str(peers), "OMP_WAIT_POLICY": "passive"}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    peer = json.loads(printed)
    ready = quantile([run.ready for run in runs], 0.5)
    refined = quantile([run.ready + run.refined for run in runs], 0.5)
    searchable = peer["seconds"] / ready
    # Both embed every passage: the peer with larger chunks that its model reads only the beginning of.
    rate = (runs[0].chunks / refined) / (peer["chunks_read"] / peer["seconds"])
    return [
        Figure("LangChain, PyPDF + recursive splitter + FAISS, the same model", f"{peer['seconds']:.1f} s"),
        Figure("its time against ours to searchable", f"{searchable:.1f}x", ">= 10x", searchable >= 10),
        Figure(
            "its time against ours to refined",
            f"{peer['seconds'] / refined:.2f}x",
            ">= 1.5x",
            peer["seconds"] / refined >= 1.5,
        ),
        Figure("our chunks a second against those it reads whole", f"{rate:.2f}x"),
    ]


def _bulk_figures(connection: Connection, count: int) -> list[Figure]:
    """The same text as many small files and as one large one."""
    texts = [_small_text(number, "bulk") for number in range(count)]
    began = time.monotonic()
    _send_all(connection, [(f"bulk-{number}.txt", text.encode()) for number, text in enumerate(texts)])
    _until_idle(connection)
    small = time.monotonic() - began
    began = time.monotonic()
    _upload(connection, "one-large.txt", "\n\n".join(texts).encode())
    _until_idle(connection)
    large = time.monotonic() - began
    size = sum(map(len, texts)) / 1024
    return [
        Figure(f"{count} small files, {size:.0f} KiB, to searchable", f"{small:.1f} s"),
        Figure("the same text in one file", f"{large:.1f} s"),
        Figure("time a byte, small files against one", f"{small / large:.1f}x", "<= 1x", small <= large),
    ]


def _many_figures(
    service: LocalService, connection: Connection, count: int, progress: Progress
) -> list[Figure]:
    _wait_for_refinement(connection)
    idle = [_search(connection) for _ in range(200)]
    rates, memory = [], []
    busy: list[float] = []
    with _searching(service.address, busy):
        for first in progress.track(range(0, count, _WINDOW), description="small documents"):
            began = time.monotonic()
            window = range(first, min(count, first + _WINDOW))
            _send_all(connection, [(f"{at}.txt", _small_text(at, "many").encode()) for at in window])
            _until_idle(connection)
            rates.append(len(window) / (time.monotonic() - began))
            memory.append(_worker_memory(service))
    deleting = _time_deletes(connection)
    slowdown = quantile(busy, 0.95) / quantile(idle, 0.95)
    return [
        Figure(f"small documents a second, first and last {_WINDOW} of {count}", _pair(rates)),
        Figure("memory of the worker after the first and the last", _pair(memory, " MiB")),
        Figure("search, 95th percentile, idle", f"{quantile(idle, 0.95):.0f} ms"),
        Figure("search, 95th percentile, while documents come in", f"{quantile(busy, 0.95):.0f} ms"),
        Figure("the second against the first", f"{slowdown:.1f}x", "<= 2x", slowdown <= 2),
        at_most_ms(f"deleting one of {count}, median", quantile(deleting, 0.5), 50),
    ]


def _pair(values: Sequence[float], unit: str = "") -> str:
    return f"{values[0]:.0f}{unit}, {values[-1]:.0f}{unit}"


def _small_text(number: int, kind: str) -> str:
    """About six hundred bytes that no other number has: words as frequent as in English, in sentences."""
    words, weights = _vocabulary()
    chance = random.Random(f"{kind} {number}")
    sentences = []
    for _ in range(8):
        chosen = chance.choices(words, cum_weights=weights, k=chance.randint(6, 16))
        sentences.append(" ".join(chosen).capitalize() + f" {chance.randint(1, 10**6)}.")
    return f"Note {number} ({kind}). " + " ".join(sentences)


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """The words of Python's manual, the shortest first, with Zipf's weights summed up."""
    found = {word for text in topics.topics.values() for word in re.findall(r"[a-z]{2,12}", text)}
    words = sorted(found, key=lambda word: (len(word), word))
    return words, list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))


def _upload(connection: Connection, name: str, content: bytes) -> dict[str, Any]:
    accepted: dict[str, Any] = connection.call("POST", "/v1/documents", files={"file": (name, content)})
    return accepted


def _send_all(connection: Connection, files: Sequence[tuple[str, bytes]]) -> None:
    with ThreadPoolExecutor(_SENDERS) as senders:
        list(senders.map(lambda file: _upload(connection, *file), files))


def _until(connection: Connection, document_id: str, state: str) -> dict[str, Any]:
    while True:
        document: dict[str, Any] = connection.call("GET", f"/v1/documents/{document_id}")
        assert document["state"] != "failed", document["error"]
        if document["state"] == state:
            return document
        time.sleep(0.05)


def _until_idle(connection: Connection) -> None:
    """Until no job waits or runs."""
    while True:
        jobs = connection.call("GET", "/v1/queue")["jobs"]
        if not jobs.get("queued") and not jobs.get("running"):
            return
        time.sleep(0.05)


def _wait_for_refinement(connection: Connection) -> None:
    while connection.call("GET", "/v1/documents", params={"state": "ready", "limit": 1})["data"]:
        time.sleep(0.2)


def _search(connection: Connection, question: str = _QUESTIONS[0]) -> float:
    began = time.monotonic()
    connection.call("POST", "/v1/search", json={"query": f"{question} {began}", "k": 10})
    return (time.monotonic() - began) * 1000


@contextmanager
def _searching(address: str, times: list[float]) -> Iterator[None]:
    """Somebody who searches five times a second, inside the block."""
    done = threading.Event()

    def search() -> None:
        connection = Connection(address)
        while not done.wait(0.2):
            times.append(_search(connection, _QUESTIONS[len(times) % len(_QUESTIONS)]))
        connection.close()

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _time_deletes(connection: Connection) -> list[float]:
    listed = connection.call("GET", "/v1/documents", params={"limit": _DELETED})["data"]
    times = []
    for document in listed:
        began = time.monotonic()
        connection.call("DELETE", f"/v1/documents/{document['id']}")
        times.append((time.monotonic() - began) * 1000)
    return times


def _worker_memory(service: LocalService) -> float:
    status = Path(f"/proc/{service.children()['ingest.worker']}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--bulk", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
