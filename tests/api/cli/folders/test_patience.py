from __future__ import annotations

from api.cli.folders.patience import GRACE_SECONDS, SETTLE_SECONDS, Patience
from api.cli.folders.scanning import Stat

ONE, TWO = Stat(1, 1, 1), Stat(2, 2, 1)


def test_a_file_is_believed_when_it_has_rested() -> None:
    patience = Patience()
    assert set(patience.look({"a": ONE}, [], 10.0).unsettled) == {"a"}
    changed = patience.look({"a": TWO}, [], 10.0 + SETTLE_SECONDS / 2)
    assert set(changed.unsettled) == {"a"}
    assert changed.again_at == 10.0 + SETTLE_SECONDS * 1.5
    rested = patience.look({"a": TWO}, [], 10.0 + SETTLE_SECONDS * 1.5)
    assert (set(rested.unsettled), rested.again_at) == (set(), None)


def test_a_file_that_was_believed_is_doubted_again_when_it_changes() -> None:
    patience = Patience()
    patience.look({"a": ONE}, [], 0.0)
    assert not patience.look({"a": ONE}, [], 5.0).unsettled
    assert set(patience.look({"a": TWO}, [], 6.0).unsettled) == {"a"}


def test_a_file_away_for_a_moment_is_not_gone() -> None:
    patience = Patience()
    patience.look({"a": ONE}, ["a"], 0.0)
    away = patience.look({}, ["a"], 2.0)
    assert (set(away.missing), away.again_at) == ({"a"}, 2.0 + GRACE_SECONDS)
    back = patience.look({"a": TWO}, ["a"], 3.0)
    assert not back.missing
    # The next time counts from its own beginning.
    assert set(patience.look({}, ["a"], 3.0 + GRACE_SECONDS).missing) == {"a"}


def test_a_file_away_for_long_is_gone() -> None:
    patience = Patience()
    patience.look({}, ["a"], 0.0)
    assert not patience.look({}, ["a"], GRACE_SECONDS).missing


def test_the_next_look_is_when_the_first_doubt_ends() -> None:
    patience = Patience()
    patience.look({}, ["a"], 0.0)
    assert patience.look({"b": ONE}, ["a"], 1.0).again_at == min(1.0 + SETTLE_SECONDS, GRACE_SECONDS)
