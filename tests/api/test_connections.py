from __future__ import annotations

import pytest

from api.connections import Activity, ConnectionLimits, Overdue, Standing, most_dispensable, overdue

_LIMITS = ConnectionLimits(head_seconds=10, write_seconds=30, body_rate=1000)


@pytest.mark.parametrize(
    ("standing", "missed"),
    [
        (Standing(Activity.HEAD, 9.9), None),
        (Standing(Activity.HEAD, 10.1), Overdue.HEAD),
        (Standing(Activity.IDLE, 3600), None),
        (Standing(Activity.BODY, 3600), None),
        (Standing(Activity.ANSWERING, 3600), None),
        (Standing(Activity.ANSWERING, 3600, unread_seconds=29), None),
        (Standing(Activity.ANSWERING, 3600, unread_seconds=31), Overdue.READER),
        (Standing(Activity.IDLE, 1, unread_seconds=31), Overdue.READER),
        (Standing(Activity.LEAVING, 4), None),
        (Standing(Activity.LEAVING, 6), Overdue.LINGER),
    ],
)
def test_deadlines(standing: Standing, missed: Overdue | None) -> None:
    assert overdue(standing, _LIMITS) is missed


class _Connection:
    def __init__(self, name: str, standing: Standing) -> None:
        self.name = name
        self._standing = standing

    def standing(self, now: float) -> Standing:
        return self._standing

    def expire(self, missed: Overdue) -> None:
        raise AssertionError

    def drop(self) -> None:
        raise AssertionError


_IN_THE_ORDER_IN_WHICH_THEY_GO = [
    _Connection("refused", Standing(Activity.LEAVING, 0.1)),
    _Connection("slowest head", Standing(Activity.HEAD, 9)),
    _Connection("slow head", Standing(Activity.HEAD, 2)),
    _Connection("long idle", Standing(Activity.IDLE, 8)),
    _Connection("idle", Standing(Activity.IDLE, 2)),
    _Connection("slowest body", Standing(Activity.BODY, 5, rate=1)),
    _Connection("slow body", Standing(Activity.BODY, 50, rate=900)),
    _Connection("slow reader", Standing(Activity.ANSWERING, 50, unread_seconds=3)),
    _Connection("just connected", Standing(Activity.HEAD, 0.5)),
    _Connection("just answered", Standing(Activity.IDLE, 0.1)),
]
_NEVER = [
    _Connection("being answered", Standing(Activity.ANSWERING, 100)),
    _Connection("sending", Standing(Activity.BODY, 100, rate=1001)),
    _Connection("beginning to send", Standing(Activity.BODY, 0.1, rate=0)),
]


def test_who_makes_the_least_of_a_place_is_the_first_to_lose_it() -> None:
    left, gone = {*_IN_THE_ORDER_IN_WHICH_THEY_GO, *_NEVER}, []
    while victims := most_dispensable(left, 0.0, _LIMITS, batch=1):
        assert len(victims) == 1
        left.difference_update(victims)
        gone += victims
    assert gone == _IN_THE_ORDER_IN_WHICH_THEY_GO
    assert left == set(_NEVER)


def test_those_who_wait_go_in_batches_and_those_at_work_one_by_one() -> None:
    waiting = [_Connection("", Standing(Activity.HEAD, 2 + n)) for n in range(9)]
    assert most_dispensable(waiting, 0.0, _LIMITS, batch=3) == [waiting[8], waiting[7], waiting[6]]
    sending = [_Connection("", Standing(Activity.BODY, 2, rate=n)) for n in range(9)]
    assert most_dispensable(sending, 0.0, _LIMITS, batch=3) == [sending[0]]
