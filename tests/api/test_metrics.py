from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from api import processes
from api.assembly import Service
from api.metrics import Metrics
from rag.models.generation import FinishedEvent, FinishReason, Usage
from rag.models.tally import Tally
from rag.network_guard import Destination
from rag.stores import job_queue
from tests.api.conftest import Client

DOCS = Path(__file__).parents[2] / "docs"

LABELS = {
    "footnote_requests": ("method", "route", "status"),
    "footnote_request_seconds": ("method", "route"),
    "footnote_stage_seconds": ("stage",),
    "footnote_answers": ("status",),
    "footnote_answer_cache": ("outcome",),
    "footnote_ingest_stage_seconds": ("stage", "outcome"),
    "footnote_ingest_attempts": ("outcome",),
}
"""Of what is counted as it happens; a family without values does not tell its labels."""


def value(figures: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", figures, re.MULTILINE)
    assert found, f"{series} is not among the figures"
    return float(found[1])


def test_the_documentation_lists_every_family_and_no_other(service: Service) -> None:
    from api import figures

    collected = {figure.name: figure for figure in figures.collect(service._figure_sources())}
    expected = {
        family.name: (
            family.type,
            collected[family.name].labels if family.name in collected else LABELS[family.name],
            family.documentation,
        )
        for family in service.metrics.families()
    }
    written = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), what)
        for name, kind, labels, what in re.findall(
            r"^\| `(footnote_\w+)` \| (\w+) \| (.*?) \| (.+?) \|$",
            (DOCS / "operations.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    assert written == expected


def test_stored_things_are_measured(client: Client) -> None:
    content = b"A note of 29 bytes, for once.\n"[:29]
    client.upload("one.txt", content)
    client.upload("two.txt", b"Another.")
    figures = client.get("/metrics").text
    assert value(figures, 'footnote_jobs{state="queued"}') == 2
    assert value(figures, 'footnote_versions{state="queued"}') == 2
    assert value(figures, "footnote_blob_bytes") == 29 + 8
    assert value(figures, "footnote_jobs_oldest_waiting_seconds") > 0
    assert value(figures, 'footnote_file_bytes{file="database"}') > 0
    assert value(figures, "footnote_disk_free_bytes") > 0
    assert value(figures, 'footnote_requests_total{method="POST",route="/v1/documents",status="202"}') == 2


def test_a_pause_shows(service: Service, client: Client) -> None:
    assert value(client.get("/metrics").text, "footnote_jobs_paused") == 0
    with service.database.write() as tx:
        job_queue.pause(tx)
    assert value(client.get("/metrics").text, "footnote_jobs_paused") == 1


def test_what_the_worker_tells_is_counted_across_its_lives() -> None:
    metrics = Metrics(tuple)
    for message in (
        {"started": 1},
        {"stage": "parsing", "outcome": "succeeded", "seconds": 0.5},
        {"stage": "parsing", "outcome": "failed", "seconds": 2},
        {"job": "succeeded"},
        {"refused": {"internet": 2}},
        {"started": 2},
        {"job": "succeeded"},
        {"refused": {"internet": 1, "name": 1}},
    ):
        metrics.hear_worker(message)
    figures = metrics.render().decode()
    assert value(figures, 'footnote_ingest_attempts_total{outcome="succeeded"}') == 2
    assert value(figures, 'footnote_ingest_stage_seconds_sum{outcome="succeeded",stage="parsing"}') == 0.5
    assert value(figures, 'footnote_ingest_stage_seconds_count{outcome="failed",stage="parsing"}') == 1
    assert metrics.worker_refused == {"internet": 3, "name": 1}


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"stage": 1},
        {"stage": "x", "outcome": "y", "seconds": "z"},
        {"job": None},
        {"refused": 3},
        {"x": 1},
    ],
)
def test_nonsense_of_the_worker_is_passed_over(message: dict[str, object]) -> None:
    metrics = Metrics(tuple)
    before = metrics.render()
    metrics.hear_worker(message)
    assert metrics.render() == before


def test_the_generator_is_added_up_across_its_lives() -> None:
    tally = Tally()
    timings = {"queue": 0.5, "prefill": 1.0, "decode": 2.0}
    for _ in range(2):
        tally.finished(FinishedEvent(FinishReason.STOP, Usage(100, 20, 60), timings))
    tally.refused({"name": 1})
    tally.refused({"name": 2})
    tally.restarted()
    tally.refused({"internet": 1})
    tally.failed()
    totals = tally.totals()
    assert totals.generations == {"stop": 2, "error": 1}
    assert totals.tokens == {"prompt": 80, "reused": 120, "completion": 40}
    assert totals.seconds == {"queue": 1.0, "prefill": 2.0, "decode": 4.0}
    assert totals.refused == {"name": 2, "internet": 1}
    assert totals.restarts == 1


def test_refused_connections_have_a_value_before_the_first(client: Client) -> None:
    figures = client.get("/metrics").text
    for process in ("api", "worker", "generator"):
        for kind in Destination:
            series = f'footnote_refused_connections_total{{destination="{kind}",process="{process}"}}'
            assert value(figures, series) == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system tells nothing of processes")
def test_processes_are_measured() -> None:
    found = processes.figures_of(os.getpid())
    assert found is not None
    assert found.resident_bytes > 1 << 20
    assert found.cpu_seconds > 0
    assert found.open_files > 2
    assert processes.figures_of(2**22 + 1) is None
