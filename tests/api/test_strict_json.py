from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.strict_json import MAX_DEPTH, InvalidJson, loads

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=10,
)


@given(_VALUES)
def test_what_json_can_say_comes_through(value: object) -> None:
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "[1e999]",
        '{"a": 1, "a": 2}',
        '["\\ud800"]',
        '{"\\udfff": 1}',
        "[9223372036854775808]",
        "[" + "9" * 5000 + "]",
        b'["\xff"]',
        "[" * 100_000,
        "[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1),
    ],
    ids=lambda text: repr(text)[:24],
)
def test_what_it_cannot_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidJson):
        loads(text)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert loads('"\\ud83e\\udd86"') == "🦆"


def test_the_deepest_value_allowed() -> None:
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
