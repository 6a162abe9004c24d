"""Figures for Prometheus: route templates, stages, codes and counts; never a text, a name or a key.

What happens is counted here as it happens; what can be looked up is looked up when somebody scrapes
(``api.figures``). ``docs/operations.md`` lists every family, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A family of figures as it is now: ``values`` by the values of its ``labels``, in their order."""

    name: str
    explanation: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    kind: Literal["gauge", "counter"] = "gauge"


Figures = Callable[[], Iterable[Figure]]
"""Called at every scrape."""


class Metrics:
    """One registry per service, so that two in one process do not count together."""

    def __init__(self, figures: Figures) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter(
            "footnote_requests", "Requests answered.", ("method", "route", "status")
        )
        self._latency = self._histogram(
            "footnote_request_seconds",
            "Time until a request was answered, streams included.",
            ("method", "route"),
        )
        self._stages = self._histogram(
            "footnote_stage_seconds", "Time of the stages of searching and answering.", ("stage",)
        )
        self._answers = self._counter("footnote_answers", "Answers given, by status.", ("status",))
        self._cache = self._counter(
            "footnote_answer_cache",
            "Questions, by what became of looking for an earlier answer.",
            ("outcome",),
        )
        self._ingest_stages = self._histogram(
            "footnote_ingest_stage_seconds", "Time of the stages of ingestion.", ("stage", "outcome")
        )
        self._ingest_jobs = self._counter(
            "footnote_ingest_attempts", "Attempts at reading a document, by outcome.", ("outcome",)
        )
        self._worker_refused: dict[str, float] = {}
        self._worker_refused_before: dict[str, float] = {}
        self._registry.register(_Scraped(figures))

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._latency.labels(method, route).observe(seconds)

    def observe_stages(self, timings: Mapping[str, float]) -> None:
        """``timings`` in milliseconds, by names ending in ``_ms``."""
        for name, milliseconds in timings.items():
            self._stages.labels(name.removesuffix("_ms")).observe(milliseconds / 1000)

    def observe_answer(self, status: str) -> None:
        self._answers.labels(status).inc()

    def observe_cache(self, outcome: str) -> None:
        self._cache.labels(outcome).inc()

    def hear_worker(self, message: Mapping[str, Any]) -> None:
        """What a worker tells (``ingest.telling``); what cannot be understood is passed over."""
        match message:
            case {"stage": str() as stage, "outcome": str() as outcome, "seconds": float() | int() as took}:
                self._ingest_stages.labels(stage, outcome).observe(took)
            case {"job": str() as outcome}:
                self._ingest_jobs.labels(outcome).inc()
            case {"refused": dict() as counts}:
                self._worker_refused = {str(kind): float(count) for kind, count in counts.items()}
            case {"started": _}:  # a new one counts from nothing
                self._worker_refused_before, self._worker_refused = self.worker_refused, {}

    @property
    def worker_refused(self) -> dict[str, float]:
        """Connections that the guards of all workers so far have refused, by destination."""
        kinds = self._worker_refused_before.keys() | self._worker_refused.keys()
        return {
            kind: self._worker_refused_before.get(kind, 0) + self._worker_refused.get(kind, 0)
            for kind in sorted(kinds)
        }

    def families(self) -> Iterable[Metric]:
        """Every family with what it has now."""
        return self._registry.collect()

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def _counter(self, name: str, explanation: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, explanation, labels, registry=self._registry)

    def _histogram(self, name: str, explanation: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, explanation, labels, buckets=_BUCKETS, registry=self._registry)


class _Scraped(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would already read the database

    def collect(self) -> Iterable[Metric]:
        for figure in self._figures():
            kind = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
            family = kind(figure.name, figure.explanation, labels=figure.labels)
            for labels, value in figure.values.items():
                family.add_metric(labels, value)
            yield family
