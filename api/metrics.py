"""Figures for Prometheus; route templates and stages only, never a text or a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

Gauges = Callable[[], Iterable[tuple[str, str, str, Mapping[str, float]]]]
"""Yields name, help, label name and the value of each label, read at the moment of the scrape."""


class Metrics:
    """One registry per service, so that two in one process do not count together."""

    def __init__(self, gauges: Gauges) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "footnote_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._latency = Histogram(
            "footnote_request_seconds",
            "Time until a request was answered, streams included.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "footnote_stage_seconds",
            "Time of the stages of searching and answering.",
            ["stage"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Scraped(gauges))

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._latency.labels(method, route).observe(seconds)

    def observe_stages(self, timings: Mapping[str, float]) -> None:
        """``timings`` in milliseconds, by names ending in ``_ms``."""
        for name, milliseconds in timings.items():
            self._stages.labels(name.removesuffix("_ms")).observe(milliseconds / 1000)

    def render(self) -> bytes:
        return generate_latest(self._registry)


class _Scraped(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def describe(self) -> Iterable[Metric]:
        return ()  # otherwise registering would already read the database

    def collect(self) -> Iterable[Metric]:
        for name, explanation, label, values in self._gauges():
            family = GaugeMetricFamily(name, explanation, labels=[label])
            for value_of_label, value in values.items():
                family.add_metric([value_of_label], value)
            yield family
