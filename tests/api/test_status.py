from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from api import status
from api.assembly import Service
from tests.api.conftest import Client
from tests.api.tenancy import Tenancy


def _families() -> Iterable[Metric]:
    tokens = CounterMetricFamily("footnote_generator_tokens", "…", labels=["kind"])
    seconds = CounterMetricFamily("footnote_generator_seconds", "…", labels=["phase"])
    for kind, many in (("prompt", 900.0), ("reused", 5000.0), ("completion", 60.0)):
        tokens.add_metric([kind], many)
    for phase, took in (("queue", 40.0), ("prefill", 3.0), ("decode", 2.0)):
        seconds.add_metric([phase], took)
    stages = HistogramMetricFamily("footnote_stage_seconds", "…", labels=["stage"])
    stages.add_metric(["retrieve"], buckets=[("+Inf", 4.0)], sum_value=0.05)
    vectors = GaugeMetricFamily("footnote_index_vectors", "…", labels=["space"])
    for space, many in (("a", 70.0), ("b", 30.0)):
        vectors.add_metric([space], many)
    files = GaugeMetricFamily("footnote_file_bytes", "…", labels=["file"])
    for name, size in (("database", 1000.0), ("wal", 24.0), ("indexes", 5.0)):
        files.add_metric([name], size)
    return [tokens, seconds, stages, vectors, files]


def test_speeds_are_what_was_done_by_the_time_it_took() -> None:
    speeds = status.speeds(status.Figures(_families()))
    assert (speeds.read_tokens_per_second, speeds.written_tokens_per_second) == (300.0, 30.0)
    assert (speeds.search_ms, speeds.answer_ms) == (12.5, None)


def test_speeds_are_unknown_before_anything_was_done() -> None:
    speeds = status.speeds(status.Figures([]))
    assert set(speeds.model_dump().values()) == {None}


def test_sizes_are_added_up() -> None:
    sizes = status.sizes(status.Figures(_families()))
    assert (sizes.vectors, sizes.index_bytes, sizes.database_bytes) == (100, 5, 1024)
    assert sizes.free_bytes is None


def test_it_says_who_asks_and_what_works(service: Service, client: Client) -> None:
    shown = client.get("/v1/status").json()
    assert shown["caller"] == {"key": "local", "right": "admin", "restricted": False}
    assert shown["max_upload_bytes"] == service.settings.max_upload_bytes
    assert shown["generator"] is None  # this service is not started, and says so
    assert shown["embedder"] is None
    assert shown["sizes"]["database_bytes"] > 0
    assert shown["sizes"]["free_bytes"] > 0


def test_sums_over_all_tenants_are_for_those_who_may_see_the_metrics(
    service: Service, tmp_path: Path
) -> None:
    tenancy = Tenancy(service, tmp_path)
    for (key, token), allowed in (
        (tenancy.reader, True),
        (tenancy.narrow, False),
        (tenancy.other_admin, False),
    ):
        shown = tenancy.ask(token, "GET", "/v1/status").json()
        assert shown["caller"]["key"] == key.public_id
        assert shown["caller"]["restricted"] is (key.collections is not None)
        assert (shown["sizes"] is not None, shown["speeds"] is not None) == (allowed, allowed)
