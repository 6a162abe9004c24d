"""A short lane of ``python -m tests.faults.fuzz``, and that the fuzzer would see what is wrong."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tests.api.raw_http import HOST, serving
from tests.faults.fuzz import Caller, run
from tests.faults.openapi_cases import Prober, fuzz
from tests.faults.service import FaultyService

_CASES = 200


def test_what_is_made_from_the_openapi_document_is_answered_as_it_says(running: FaultyService) -> None:
    findings = run(running.address, Caller.LOCAL, _CASES, seed=1)
    assert findings.cases >= _CASES
    assert findings.server_errors == 0
    assert dict(findings.violations) == {}, findings.examples
    assert {200, 202, 404, 422} <= set(findings.statuses), "both kinds of requests are made"


class _Shown(BaseModel):
    number: int


def test_the_fuzzer_sees_errors_and_answers_that_the_document_does_not_describe() -> None:
    app = FastAPI()

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    @app.get("/strange")
    def strange() -> JSONResponse:
        return JSONResponse({}, status_code=418)

    @app.get("/wrong", response_model=_Shown)
    def wrong() -> JSONResponse:
        return JSONResponse({"number": "one"})

    with serving(app) as served:
        findings = fuzz(Prober(f"http://{HOST}:{served.port}"), 6, 1, dict)
    assert findings.server_errors == findings.statuses[500] > 0
    kinds = " ".join(findings.violations)
    for path, sign in (("broken", "500"), ("strange", "418"), ("wrong", "200")):
        assert f"GET /{path}" in kinds
        assert f"({sign})" in kinds
