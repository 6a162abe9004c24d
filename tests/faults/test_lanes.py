"""A few faults of every kind; ``make faults`` makes them all."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pysqlite3
import pytest

from tests.faults import oracle, story, texts
from tests.faults.ledger import Ledger
from tests.faults.library import Library
from tests.faults.outcome import Outcome
from tests.faults.service import ROOT

SECONDS = 900
"""Far more than it takes: it ends a hang and measures nothing."""


def test_no_fault_costs_anything() -> None:
    # In a process of its own: the lanes fork, and a test run has threads.
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--short"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A folder after the whole story, without any fault."""
    story.prepare(tmp_path, 1)
    assert set(story.tell(tmp_path, 1)) == {None}
    assert story.recover(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize(
    ("harm", "finding"),
    [
        ("DELETE FROM vectors WHERE id = (SELECT min(id) FROM vectors)", "passages without a vector"),
        (
            "UPDATE versions SET last_chunk = last_chunk + 1 WHERE first_chunk > 0",
            "versions short of passages",
        ),
        ("DELETE FROM text_pieces", "versions short of text"),
        ("UPDATE vectors SET vector = zeroblob(length(vector))", "another top"),
        ("UPDATE versions SET sha256 = 'ab' || substr(sha256, 3)", "file missing"),
        ("PRAGMA foreign_keys=OFF; DELETE FROM documents", "orphan row"),
    ],
)
def test_the_oracle_sees_what_is_wrong(told: Path, harm: str, finding: str) -> None:
    with closing(pysqlite3.connect(told / "data" / "footnote.db")) as raw:
        raw.executescript(harm)
    assert finding in " ".join(oracle.folder(told / "data", spared_seconds=-math.inf))


def test_the_oracle_sees_a_broken_promise(told: Path) -> None:
    ledger = story.ledger_of(told)
    ledger.asks_upload("never", "qnever stored.")
    ledger.acknowledged_upload("never", "doc_never")
    ledger.asks_delete(story.KEPT)
    ledger.acknowledged_delete(story.KEPT)
    with closing(Library(told / "data")) as library:
        found = " ".join(oracle.promises(ledger.entries.values(), library))
    ledger.close()
    assert "lost: never" in found
    assert "resurrected: kept" in found


def test_a_ledger_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger, text = Ledger(path), texts.make(random.Random(1))
    ledger.asks_upload("a", text)
    ledger.acknowledged_upload("a", "doc_a")
    ledger.asks_upload("a", "newer")
    ledger.asks_upload("b", "refused")
    ledger.refused_upload("b")
    ledger.asks_delete("a")
    ledger.close()
    again = Ledger(path)
    assert again.entries == ledger.entries
    assert again.entries["a"].could_be_newest() == {text, "newer"}
    assert not again.entries["a"].present
    again.close()


def test_none_of_a_thousand_proves_three_in_a_thousand() -> None:
    outcome = Outcome("x", "X", 1000, 1, [], 1.0)
    assert outcome.bound == pytest.approx(0.003)
    assert "at most 0.30%" in outcome.line()
