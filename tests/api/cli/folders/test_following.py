from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from api.cli.connection import Connection, Unreachable
from api.cli.folders.following import Follower
from api.cli.folders.outcome import Outcome
from tests.api.conftest import AppTransport, Client


def _sent(client: Client, text: str) -> Outcome:
    outcome = Outcome(text, "added")
    outcome.accepted(client.upload(content=text.encode()).json())
    return outcome


def test_each_job_is_followed_to_its_own_end(client: Client, connection: Connection) -> None:
    told: list[str] = []
    going_on = threading.Event()

    def on_job(outcome: Outcome, _job: Mapping[str, Any]) -> None:
        if outcome.ended:
            told.append(outcome.file)
        else:
            going_on.set()

    cancelled, deleted = _sent(client, "To be cancelled."), _sent(client, "To be deleted.")
    with Follower(connection, on_job, patience=10.0) as follower:
        follower.follow(cancelled)
        follower.follow(deleted)
        assert going_on.wait(10)
        client.request("DELETE", f"/v1/jobs/{cancelled.job_id}")
        client.request("DELETE", f"/v1/documents/{deleted.document_id}")
        follower.wait()
    assert sorted(told) == ["To be cancelled.", "To be deleted."]
    assert (cancelled.state, deleted.state) == ("failed", "gone")
    assert str(cancelled.error).startswith("job_cancelled")


def test_a_service_that_stays_away_is_an_error(
    client: Client, connection: Connection, wire: AppTransport
) -> None:
    outcome = _sent(client, "Never read.")
    wire.broken = httpx.ConnectError("refused")
    with Follower(connection, lambda *_: None, patience=0.0) as follower:
        follower.follow(outcome)
        with pytest.raises(Unreachable):
            follower.wait()


def test_what_goes_wrong_in_the_thread_is_heard_of(client: Client, connection: Connection) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    with Follower(connection, broken, patience=None) as follower:
        follower.follow(_sent(client, "A note."))
        with pytest.raises(RuntimeError, match="a bug"):
            follower.wait()
