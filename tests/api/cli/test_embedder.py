from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.assembly import Service
from api.cli import embedder as settling
from api.cli.connection import Connection, Refused
from ingest.embedder_choice import configured_model
from rag.stores import embedders
from rag.stores.embedders import Model, Trouble

GONE = Model("gone-space", 4, "gone", "ab" * 32, Path("/models/gone"))


@pytest.fixture
def target(service: Service) -> int:
    """The id of the space of a migration that has begun, to the packaged model."""
    with service.database.write() as tx:
        embedders.serve_from(tx, GONE)
        embedders.begin(tx, configured_model(None))
        found = embedders.standing(tx).target
    assert found is not None
    return found.space_id


def test_status_says_who_serves(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    with service.database.write() as tx:
        embedders.serve_from(tx, GONE)
    settling.status(connection, as_json=False)
    told = capsys.readouterr().out
    assert "gone (sha256 abababababab, 4 dimensions)" in told
    assert "footnote eval" in told, "thresholds were fitted with another model"


def test_a_migration_that_has_stopped_says_why_and_fails(
    service: Service, connection: Connection, target: int, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"questions": 9, "after": {"first": 0.1}, "before": {"first": 0.9}}
    with service.database.write() as tx:
        embedders.note_figures(tx, target, figures, Trouble("embedder_worse", "It is worse."))
    told = settling._watched(connection, connection.call("GET", "/v1/embedder"))
    assert told["migration"]["state"] == "stopped"
    settling.status(connection, as_json=False)
    shown = capsys.readouterr().out
    assert "embedder_worse: It is worse." in shown
    assert "0.10 of 9 sentences, 0.90 before" in shown
    assert settling.migrate(connection, force=True, wait=False, as_json=False) == 0, (
        "nothing is against it now"
    )


def test_giving_up(service: Service, connection: Connection, target: int) -> None:
    assert settling.back(connection, wait=True, as_json=True) == 0
    with pytest.raises(Refused) as caught:
        settling.finish(connection, as_json=True)
    assert caught.value.code == "no_embedder_before"


@pytest.mark.parametrize(
    ("migration", "told"),
    [
        (
            {"state": "building", "done": 1200, "total": 9000, "rate": 52.14, "eta_seconds": 149.6},
            "building, 1,200 of 9,000 passages, 52.1 a second, about 150 s left",
        ),
        (
            {"state": "building", "done": 0, "total": 9000, "rate": None, "eta_seconds": None},
            "building, 0 of 9,000 passages",
        ),
        (
            {"state": "going_over", "done": 9000, "total": 9000, "rate": 5.0, "eta_seconds": 0.0},
            "going over, 9,000 of 9,000 passages",
        ),
    ],
)
def test_progress(migration: dict[str, Any], told: str) -> None:
    assert settling.progress(migration) == told
