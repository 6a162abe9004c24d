from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rag.errors import BadRequest, Unavailable
from rag.generation.generation_span import generation_span
from rag.models.generation import FinishedEvent, FinishReason, TokenEvent, Usage
from rag.observability import tracing


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.start_with("api", exporter)
    yield exporter
    tracing.stop()


def test_spans_are_nested(exported: InMemorySpanExporter) -> None:
    with tracing.span("request"):
        with tracing.span("search"):
            pass
        tracing.begin("generation").end()
    search, generation, request = exported.get_finished_spans()
    assert [span.name for span in (request, search, generation)] == ["request", "search", "generation"]
    assert request.parent is None
    for inner in (search, generation):
        assert inner.parent is not None
        assert inner.parent.span_id == request.context.span_id


def test_a_failure_is_told_by_its_code_and_never_by_its_message(exported: InMemorySpanExporter) -> None:
    with pytest.raises(Unavailable), tracing.span("search"):
        raise Unavailable("search_starting", "the canary sings")
    (span,) = exported.get_finished_spans()
    assert dict(span.attributes or {}) == {"error.type": "search_starting"}
    assert not span.events
    assert "canary" not in span.to_json()


def test_only_listed_attributes_are_taken(exported: InMemorySpanExporter) -> None:
    with pytest.raises(KeyError), tracing.span("search", {"question": "the canary sings"}):
        pass
    with tracing.span("search", {"footnote.mode": "x" * 1000, "footnote.kind": None}):
        pass
    span = exported.get_finished_spans()[-1]
    assert dict(span.attributes or {}) == {"footnote.mode": "x" * 128}


def test_a_generation_is_measured_and_its_text_is_not(exported: InMemorySpanExporter) -> None:
    with generation_span() as measured:
        measured(TokenEvent("the canary sings"))
        timings = {"queue": 0.1, "prefill": 0.2, "decode": 0.3}
        measured(FinishedEvent(FinishReason.STOP, Usage(10, 4, 2), timings))
    (span,) = exported.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert attributes["footnote.prompt_tokens"] == 10
    assert attributes["footnote.decode_seconds"] == 0.3
    assert "canary" not in span.to_json()


def test_without_tracing_nothing_is_loaded() -> None:
    program = (
        "import sys\n"
        "from rag.observability import tracing\n"
        "with tracing.span('x', {'anything': 'goes'}) as span: span.fail('y')\n"
        "tracing.begin('x').end(); tracing.stop()\n"
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(BadRequest) as refused:
        tracing.start("api", "http://127.0.0.1:4318/v1/traces")
    assert refused.value.code == "tracing_not_installed"
    assert "footnote[tracing]" in refused.value.detail
    assert not tracing.active()


class _Collector(BaseHTTPRequestHandler):
    received: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(
            gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        )
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_spans_arrive_at_a_collector_whatever_proxy_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    _Collector.received = []
    server = HTTPServer(("127.0.0.1", 0), _Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        tracing.start("api", f"http://127.0.0.1:{server.server_address[1]}/v1/traces")
        with tracing.span("request", {"footnote.request_id": "r-12345678"}):
            pass
        tracing.stop()
    finally:
        server.shutdown()
        server.server_close()
    (body,) = _Collector.received
    assert b"r-12345678" in body
    assert b"footnote" in body
