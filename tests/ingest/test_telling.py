from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ingest.job_record import timed
from ingest.telling import Teller
from rag.network_guard import NetworkGuard, NetworkRefused


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, object]]]:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_stages_and_outcomes_are_told(told: Callable[[], list[dict[str, object]]]) -> None:
    teller = Teller(NetworkGuard())
    teller.stage("parsing", "succeeded", 1.25)
    teller.job("succeeded")
    assert told() == [{"stage": "parsing", "outcome": "succeeded", "seconds": 1.25}, {"job": "succeeded"}]


def test_a_refused_connection_is_told_once(told: Callable[[], list[dict[str, object]]]) -> None:
    guard = NetworkGuard()
    with Teller(guard) as teller:
        with pytest.raises(NetworkRefused):
            guard.hook("socket.connect", (None, ("8.8.8.8", 80)))
        teller.stage("parsing", "failed", 0)
        teller.stage("parsing", "failed", 0)
        with pytest.raises(NetworkRefused):
            guard.hook("socket.getaddrinfo", ("example.org", 80))
    refused = [message["refused"] for message in told() if "refused" in message]
    assert refused == [{"internet": 1}, {"internet": 1, "name": 1}]


def test_a_stage_that_is_left_by_an_exception_has_failed() -> None:
    heard: list[tuple[str, str]] = []

    def hear(stage: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        heard.append((stage, outcome))

    with timed("splitting", hear):
        pass
    with pytest.raises(KeyboardInterrupt), timed("embedding", hear):
        raise KeyboardInterrupt
    assert heard == [("splitting", "succeeded"), ("embedding", "failed")]
