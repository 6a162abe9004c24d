from __future__ import annotations

import pytest

from api import privacy
from rag.models.remote.server import URL_SETTING
from rag.network_guard import Destination, Endpoint
from tests.api.conftest import Client


def _report(allowed: list[Endpoint] | None, *, apart: bool = True) -> privacy.Privacy:
    refused = {"api": {"internet": 2.0}, "worker": {}, "generator": {"name": 1.0}}
    return privacy.report(
        allowed=allowed, refused=refused, langchain_tracing=False, parser_without_network=apart
    )


def test_by_default_nothing_is_allowed() -> None:
    report = _report([])
    assert report.allowed == []
    assert (report.telemetry, report.downloads, report.langchain_tracing) == ("none", "none", False)


def test_what_is_allowed_names_its_setting() -> None:
    (allowed,) = _report([Endpoint("127.0.0.1", 4318, "FOOTNOTE_TRACES")]).allowed
    assert (allowed.destination, allowed.setting) == ("127.0.0.1:4318", "FOOTNOTE_TRACES")
    assert allowed.processes == ["api", "worker"]


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("models.example.org", False)]
)
def test_where_document_text_goes_is_said(host: str, here: bool) -> None:
    (allowed,) = _report([Endpoint(host, 443, URL_SETTING)]).allowed
    assert (allowed.processes, allowed.document_text, allowed.this_machine) == (["api"], True, here)
    assert (f"Document text leaves this machine to {host}:443." in allowed.reason) is not here


def test_refusals_are_told_by_process_and_destination() -> None:
    refused = {one.process: one.refused for one in _report([]).processes}
    assert refused["api"] == {kind.value: 2 if kind is Destination.INTERNET else 0 for kind in Destination}
    assert refused["generator"] is not None
    assert refused["generator"]["name"] == 1
    assert refused["parser"] is None


def test_a_guard_that_is_not_there_is_not_claimed() -> None:
    assert {one.guard for one in _report(None, apart=False).processes} == {"none"}
    guards = {one.process: one.guard for one in _report([], apart=False).processes}
    assert guards["parser"] == "audit_hook"
    assert {one.process: one.guard for one in _report([]).processes}["parser"] == "kernel"


def test_it_is_served(client: Client) -> None:
    body = client.get("/v1/privacy").json()
    assert body["telemetry"] == "none"
    assert {one["process"] for one in body["processes"]} == {"api", "worker", "generator", "parser"}
    # This process is a test's: no entry point has set up a guard, and none is claimed.
    assert body["processes"][0]["guard"] == "none"
