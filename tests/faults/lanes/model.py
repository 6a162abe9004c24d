"""A library against a dict, step by step, by Hypothesis's state machine (catalogue A25)."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.faults import forked, oracle, story
from tests.faults.ledger import only_word
from tests.faults.library import Library, warm
from tests.faults.outcome import Outcome

TITLE = "any order of uploading, replacing, deleting, searching, restarting"
_STEPS = 30
_SECONDS = 4 * 3600
_NAMES = st.integers(min_value=0, max_value=3).map("d{}".format)
_TEXTS = st.integers(min_value=0, max_value=99_999).map(
    lambda number: f"w{number:05}xyz note about the harbour and pier {number % 7}."
)


class LibraryMachine(RuleBasedStateMachine):
    """What the library says must at any moment be what ``expected`` says: texts by document."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="faults-model-"))
        self.library = Library(self.folder / "data")
        self.ledger = story.ledger_of(self.folder)
        self.expected: dict[str, str] = {}
        self.made = 0

    @rule(text=_TEXTS)
    def upload(self, text: str) -> None:
        if text in self.expected.values():
            return
        self.made += 1
        key = f"k{self.made}"
        story.upload(self.library, self.ledger, key, text)
        self.expected[key] = text

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), text=_TEXTS)
    def replace(self, data: st.DataObject, text: str) -> None:
        if text in self.expected.values():
            return
        key = data.draw(st.sampled_from(sorted(self.expected)))
        story.upload(self.library, self.ledger, key, text)
        self.expected[key] = text

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.expected)))
        story.delete(self.library, self.ledger, key)
        del self.expected[key]

    @rule()
    def restart(self) -> None:
        self.library.close()
        self.library = Library(self.folder / "data")

    @rule()
    def snapshot(self) -> None:
        self.library.snapshot()

    @rule()
    def tidy(self) -> None:
        self.library.tidy()

    @rule()
    def read_everything(self) -> None:
        self.library.work()
        for key, text in self.expected.items():
            assert self.library.text(self._id(key)) == text
            assert self.library.found(only_word(text))[:1] == [self._id(key)]
        assert oracle.promises(self.ledger.entries.values(), self.library) == []
        assert oracle.folder(self.folder / "data") == []

    @invariant()
    def every_file_is_there(self) -> None:
        for key, text in getattr(self, "expected", {}).items():
            assert self.library.file(self._id(key)) == text.encode()

    def teardown(self) -> None:
        if hasattr(self, "library"):
            self.read_everything()
            self.library.close()
            self.ledger.close()
            shutil.rmtree(self.folder)

    def _id(self, key: str) -> str:
        document = self.ledger.entries[key].id
        assert document is not None
        return document


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` random lives of up to thirty steps, in a child: Hypothesis starts threads."""
    began = time.monotonic()
    warm()
    ended = forked.in_child(partial(_try, n, seed, folder), seconds=_SECONDS)
    found = forked.findings(ended)
    figures = {"steps each": f"up to {_STEPS}"}
    return Outcome("model", TITLE, n, seed, found, time.monotonic() - began, figures)


def _try(n: int, seed: int, folder: Path) -> list[str]:
    tempfile.tempdir = str(folder)
    chosen = settings(
        max_examples=n,
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    seeded: Callable[[Any], Any] = hypothesis.seed(seed)
    try:
        run_machine(seeded(LibraryMachine), settings=chosen)
    except Exception as error:
        told = "; ".join(getattr(error, "__notes__", [])[-30:])
        return [f"{type(error).__name__}: {error} {told}"[:2000]]
    return []
