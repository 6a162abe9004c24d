"""A watched service: its log, figures, traces and report on privacy, and that none of them tells a text."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.running import RunningService, upload

TEXT = "Kanarienvogel"
QUESTION = "zwitschernde"
NAME = "gehaltsliste"
TITLE = "volierenplan"
KEY = "fn_geheimnisgeheimnisgeheimnis"
CANARIES = (TEXT, QUESTION, NAME, TITLE, "geheimnis")


@dataclass
class Collector:
    """An OTLP collector that keeps what it is sent."""

    received: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Collector:
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                received.append(gzip.decompress(body) if packed else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"


@dataclass
class Watched:
    """What a service said of itself from its start to its end."""

    log: str
    figures: str
    privacy: dict[str, Any]
    traces: bytes
    answer: dict[str, Any]
    collector: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("watched")
    with Collector() as collector:
        variables = {"FOOTNOTE_TRACES": collector.address, "FOOTNOTE_LOG_LEVEL": "debug"}
        service = RunningService(folder, variables)
        with service, service.client() as client:
            text = f"# {TITLE}\n\nThe {TEXT} was bought on 3 May 1911 for twelve crowns.\n"
            upload(client, f"{NAME}\u202e.md", text.encode())
            client.post("/v1/documents", files={"file": (f"{NAME}.pdf", b"%PDF-1.4 " + TEXT.encode())})
            client.post("/v1/documents?wait=true", files={"file": (f"{NAME}.docx", TEXT.encode())})
            question = f"When was the {TEXT} bought, {QUESTION}?"
            ask = {"question": question, "conversation": f"{NAME}-1"}
            headers = {"X-Request-ID": "asked-0001"}
            answer = client.post("/v1/ask", json=ask, headers=headers).json()
            client.post("/v1/ask", json={"question": question, "stream": True, "mode": "answer"})
            client.post(
                "/v1/search", json={"query": question, "filter": {f"metadata.{TEXT}": {"$ne": QUESTION}}}
            )
            client.post("/v1/search", content=TEXT.encode(), headers={"Content-Type": "application/json"})
            client.get(f"/v1/documents/{NAME}?{QUESTION}={TEXT}", headers={"Authorization": f"Bearer {KEY}"})
            client.get(f"/{NAME}%1b[31m%0a%0d{TEXT}")
            figures = client.get("/metrics").text
            privacy = client.get("/v1/privacy").json()
        log = service.log()
        yield Watched(log, figures, privacy, b"".join(collector.received), answer, collector.address)


def test_the_log_is_json_and_tells_nothing_of_anybody(watched: Watched) -> None:
    assert len(watched.lines) > 10
    for canary in CANARIES:
        assert canary.lower() not in watched.log.lower()
    assert all(32 <= ord(character) < 127 for character in watched.log.replace("\n", ""))


def test_a_request_can_be_followed_by_its_id_to_the_answer(watched: Watched) -> None:
    (request,) = [line for line in watched.events("request") if line["request_id"] == "asked-0001"]
    assert (request["method"], request["route"], request["status"]) == ("POST", "/v1/ask", 200)
    assert request["ms"] > 0
    assert request["key"] == "local"
    (answered,) = [line for line in watched.events("answered") if line["request_id"] == "asked-0001"]
    assert answered["answer"] == watched.answer["id"]


def test_a_document_can_be_followed_from_its_request_to_the_end_of_its_job(watched: Watched) -> None:
    accepted = {line["job"]: line for line in watched.events("document_accepted")}
    ended = {line["job"]: line for line in watched.events("job")}
    assert accepted
    assert accepted.keys() == ended.keys()
    assert {line["process"] for line in ended.values()} == {"worker"}
    outcomes = {line["outcome"] for line in ended.values()}
    assert "succeeded" in outcomes
    assert all(line["ms"] > 0 and line["document"] for line in ended.values())


def test_figures_cover_every_stage(watched: Watched) -> None:
    for stage in ("parsing", "splitting", "embedding", "assessing", "publishing"):
        assert (
            f'footnote_ingest_stage_seconds_count{{outcome="succeeded",stage="{stage}"}}' in watched.figures
        )
    for stage in ("retrieve", "evidence", "total", "embed", "search"):
        assert f'footnote_stage_seconds_count{{stage="{stage}"}}' in watched.figures
    for process in ("api", "worker", "generator", "parser"):
        assert f'footnote_process_resident_bytes{{process="{process}"}}' in watched.figures
    assert 'footnote_ingest_attempts_total{outcome="succeeded"}' in watched.figures
    assert 'footnote_generator_tokens_total{kind="completion"}' in watched.figures
    assert "footnote_index_lag{" in watched.figures
    for canary in CANARIES:
        assert canary.lower() not in watched.figures.lower()


def test_traces_lead_from_the_request_through_every_stage(watched: Watched) -> None:
    for name in (
        b"request",
        b"search.embed",
        b"search.candidates",
        b"evidence",
        b"generation",
        b"verification",
        b"ingest.parsing",
        b"ingest.publishing",
        b"asked-0001",
    ):
        assert name in watched.traces, name
    for canary in CANARIES:
        assert canary.lower().encode() not in watched.traces.lower()


def test_only_the_collector_was_connected_to(watched: Watched) -> None:
    (allowed,) = watched.privacy["allowed"]
    assert allowed["destination"] in watched.collector
    assert (allowed["setting"], allowed["processes"]) == ("FOOTNOTE_TRACES", ["api", "worker"])
    assert (watched.privacy["telemetry"], watched.privacy["langchain_tracing"]) == ("none", False)
    for one in watched.privacy["processes"]:
        assert one["guard"] in ("audit_hook", "kernel")
        assert not any((one["refused"] or {}).values()), one
