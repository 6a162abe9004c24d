from __future__ import annotations

import inspect

import pytest

from api import problems
from rag import errors


def _subclasses(kind: type[errors.FootnoteError]) -> list[type[errors.FootnoteError]]:
    return [one for child in kind.__subclasses__() for one in (child, *_subclasses(child))]


def test_every_error_class_has_a_status_of_its_own_or_its_parents() -> None:
    for kind in _subclasses(errors.FootnoteError):
        assert any(parent in problems.STATUS_OF for parent in inspect.getmro(kind)), kind


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.TooLarge("c", "d"), 413),
        (errors.BadRequest("c", "d"), 400),
        (errors.DocumentRejected("c", "d"), 422),
        (errors.StorageFailed("c", "d"), 507),
        (errors.Unavailable("c", "d"), 503),
    ],
)
def test_the_nearest_class_decides(error: errors.FootnoteError, status: int) -> None:
    answer = problems.of_error(error, "id")
    assert answer.status_code == status
    assert answer.media_type == "application/problem+json"


def test_busy_says_when_to_come_back() -> None:
    answer = problems.of_error(errors.Busy("busy", "Later.", retry_after=1.2), "id")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "2"
