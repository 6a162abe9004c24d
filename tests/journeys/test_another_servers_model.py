"""A service whose answers are put into words by another server's model, and what it says of that."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.running import RunningService, upload
from tests.scripted_model_server import Script, say, scripted

LOG = (
    b"The ferry to Norderney leaves at ten. The ferry to Juist is late. The pier of Juist is 280 metres long."
)
QUESTION = {"question": "When does the ferry to Norderney leave?"}


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def served(script: Script, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Its server is on a port of its own and can be ended and started again."""
    folder = tmp_path_factory.mktemp("served")
    key = folder / "key"
    key.write_text("sk-canary")
    with scripted(script) as url:
        variables = {
            "FOOTNOTE_GENERATOR_URL": url,
            "FOOTNOTE_GENERATOR_KEY_FILE": str(key),
            "FOOTNOTE_DRAFTING": "free",
        }
        service = RunningService(folder, variables)
        service.__enter__()
    try:
        with service.client() as http:
            upload(http, "ferries.txt", LOG)
        yield service
    finally:
        service.stop()


@pytest.fixture
def http(served: RunningService) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def test_while_it_is_away_answers_quote_and_say_why(http: httpx.Client) -> None:
    answer = http.post("/v1/ask", json=QUESTION).json()
    assert "leaves at ten" in answer["answer"]
    assert answer["model"] is None
    refused = http.post("/v1/ask", json={**QUESTION, "mode": "answer"})
    assert (refused.status_code, refused.json()["code"]) == (503, "model_server_unreachable")
    waiting = http.get("/readyz")
    assert waiting.status_code == 503
    assert "cannot be connected to" in waiting.json()["parts"]["generator"]["phase"]


def test_when_it_is_back_it_writes(http: httpx.Client, served: RunningService, script: Script) -> None:
    (allowed,) = http.get("/v1/privacy").json()["allowed"]
    with scripted(script, int(allowed["destination"].split(":")[1])):
        served.wait_until_ready()
        script.acts.append(say("The ferry to Norderney leaves", " at ten [1].\nMore"))
        answer = http.post("/v1/ask", json=QUESTION).json()
        assert answer["sentences"][0]["verdict"] in ("supported", "verbatim")
        assert answer["model"] == {"name": f"scripted at {allowed['destination']}", "sha256": ""}
        receipt = http.get(f"/v1/answers/{answer['id']}").json()
        assert receipt["model"] == answer["model"]
        sent = script.seen[-1]["messages"]
        assert [one["role"] for one in sent] == ["system", "user"]
        assert "leaves at ten" in sent[1]["content"]

        # What the model makes up is not delivered, whoever runs it.
        script.acts.append(say("The ferry to Norderney leaves at eleven [1]."))
        assert "eleven" not in http.post("/v1/ask", json=QUESTION).json()["answer"]

        script.acts.append(say("The ferry to Norderney ", "leaves at ten [1]."))
        with http.stream("POST", "/v1/ask", json={**QUESTION, "stream": True}) as stream:
            told = "".join(stream.iter_text())
        assert told.index("event: token") < told.index("event: sentence") < told.index("event: done")
    assert "Bearer sk-canary" in script.authorizations
    assert not [secret for secret in ("sk-canary", "Norderney", "127.0.0.1") if secret in served.log()]


def test_where_text_goes_is_shown(http: httpx.Client) -> None:
    told = http.get("/v1/privacy").json()
    (allowed,) = told["allowed"]
    assert allowed["processes"] == ["api"]
    assert allowed["setting"] == "FOOTNOTE_GENERATOR_URL"
    assert (allowed["document_text"], allowed["this_machine"]) == (True, True)
    assert {one["process"] for one in told["processes"]} == {"api", "worker", "parser"}
    assert sum(told["processes"][0]["refused"].values()) == 0
