from __future__ import annotations

import pytest

from rag.models.text_stream import RepetitionGuard, TextStream


def _feed(stream: TextStream, data: bytes) -> list[str]:
    return [stream.feed(bytes([byte])) for byte in data] + [stream.finish()]


@pytest.mark.parametrize("text", ["naïve café", "日本語のテキスト", "👩‍🔬🇫🇷", "a\u0301"])
def test_characters_come_whole(text: str) -> None:
    pieces = _feed(TextStream(), text.encode())
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)


def test_half_a_character_at_the_end_is_marked() -> None:
    assert "".join(_feed(TextStream(), "é".encode()[:1])) == "\ufffd"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stop_string_never_shows_however_it_is_cut(size: int) -> None:
    data = b"one two STOP three"
    stream = TextStream(["STOP", "zzz"])
    out = "".join(stream.feed(data[i : i + size]) for i in range(0, len(data), size)) + stream.finish()
    assert out == "one two "
    assert stream.stopped


def test_the_first_of_two_stop_strings_counts() -> None:
    stream = TextStream(["b", "abc"])
    assert stream.feed(b"x abc") == "x "


def test_what_only_looked_like_a_stop_string_comes_out() -> None:
    stream = TextStream(["STOP"])
    assert stream.feed(b"a STO") == "a "
    assert stream.feed(b"NE") == "STONE"
    assert stream.feed(b" ST") == " "
    assert stream.finish() == "ST"


def test_an_open_footnote_is_held_and_dropped_at_the_end() -> None:
    stream = TextStream(hold_brackets=True)
    assert stream.feed(b"Yes. [1] And [") == "Yes. [1] And "
    assert stream.feed(b"2") == ""
    assert stream.finish() == ""


def test_a_closed_footnote_comes_out() -> None:
    stream = TextStream(hold_brackets=True)
    assert [stream.feed(piece) for piece in (b"Yes [", b"2", b"].")] == ["Yes ", "", "[2]."]


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("The act was passed here. The act was passed here. ", True),
        ("The act was passed here. [1] the ACT  was passed here. [2] ", True),
        ("- the same old line\n- the same old line\n", True),
        ("The act was passed here. It was then repealed again. ", False),
        ("Yes. Yes. Yes. Yes. ", False),
        ("The act was passed here. The act was passed here", False),
    ],
)
def test_repetition(text: str, repeats: bool) -> None:
    guard = RepetitionGuard()
    assert any(guard.feed(character) for character in text) is repeats
