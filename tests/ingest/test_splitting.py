from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest.canonical import CanonicalText
from ingest.parsers.limits import ParseLimits
from ingest.splitting import CONTEXT_TOKENS, embedding_text, split, without_figures
from rag.models.locations import default_embedder_path
from rag.models.tokenizer import OffsetTokenizer
from rag.records import Block, BlockKind, Chunk, Page, ParsedDocument

TOKENIZER = OffsetTokenizer(default_embedder_path())
SENTENCE = "The quick brown fox jumps over the lazy dog near the old river bank. "
HEADING, PARAGRAPH, ROW, CODE = (
    BlockKind.HEADING,
    BlockKind.PARAGRAPH,
    BlockKind.TABLE_ROW,
    BlockKind.CODE,
)


def _document(
    *blocks: tuple[BlockKind, str] | tuple[BlockKind, str, int], title: str | None = None
) -> ParsedDocument:
    """Blocks as (kind, text) or, for headings, (kind, text, level); a row of level 1 is a header row."""
    canonical = CanonicalText(ParseLimits())
    for kind, text, *rest in blocks:
        number = int(rest[0]) if rest else 0
        canonical.add_block(
            kind, text, level=number if kind is HEADING else 0, header=kind is ROW and number == 1
        )
    return canonical.finish("text/plain", title=title)


def _texts(parsed: ParsedDocument, chunks: Sequence[Chunk]) -> list[str]:
    return [parsed.text[chunk.start : chunk.end] for chunk in chunks]


def _assert_sound(parsed: ParsedDocument, chunks: Sequence[Chunk], max_tokens: int) -> None:
    """What holds for every document: nothing lost, nothing twice, nothing that would be truncated."""
    for before, after in itertools.pairwise(chunks):
        assert before.end <= after.start
    kept = "".join(_texts(parsed, chunks))
    assert "".join(kept.split()) == "".join(parsed.text.split())
    for chunk in chunks:
        body = parsed.text[chunk.start : chunk.end]
        assert body == body.strip()
        assert body
        assert chunk.tokens == TOKENIZER.count(embedding_text(chunk.context, body)) + TOKENIZER.special_tokens
        assert chunk.tokens <= max_tokens


_ALPHABET = st.sampled_from(
    [*"ab. \n\t!?-_()|'\"1", "é", "漢", "。", "\u0301", "👩", "\u200d", "\ufffd", "ﬀ", "ß", "한"]
)
_TEXT = st.one_of(
    st.text(_ALPHABET, max_size=200),
    st.text(max_size=100),
    st.builds(lambda text, times: text * times, st.text(_ALPHABET, max_size=12), st.integers(1, 200)),
    st.integers(1, 40).map(lambda times: SENTENCE * times),
)
_BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just(HEADING), _TEXT, st.integers(1, 6)),
        st.tuples(st.just(ROW), _TEXT, st.integers(0, 1)),
        st.tuples(st.sampled_from([PARAGRAPH, CODE, BlockKind.LIST_ITEM]), _TEXT),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(blocks=_BLOCKS, title=st.text(max_size=80), max_tokens=st.sampled_from([32, 64, 256]))
def test_nothing_is_lost_or_truncated(
    blocks: list[tuple[BlockKind, str]], title: str, max_tokens: int
) -> None:
    parsed = _document(*blocks)
    chunks = split(parsed, TOKENIZER, title=title.encode("utf-8", "replace").decode(), max_tokens=max_tokens)
    _assert_sound(parsed, chunks, max_tokens)


@settings(max_examples=50, deadline=None)
@given(text=_TEXT, cuts=st.lists(st.integers(0, 400), max_size=6).map(sorted))
def test_text_that_no_block_covers_is_kept(text: str, cuts: list[int]) -> None:
    text = text.encode("utf-8", "ignore").decode()
    spans = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < b <= len(text)]
    parsed = ParsedDocument(text, "text/plain", blocks=tuple(Block(PARAGRAPH, a, b) for a, b in spans))
    _assert_sound(parsed, split(parsed, TOKENIZER, title="t"), 256)


@settings(max_examples=40, deadline=None)
@given(blocks=_BLOCKS, overlap=st.integers(1, 50))
def test_overlap_repeats_whole_pieces_and_loses_nothing(
    blocks: list[tuple[BlockKind, str]], overlap: int
) -> None:
    parsed = _document(*blocks)
    chunks = split(parsed, TOKENIZER, title="t", overlap=overlap)
    covered = [False] * len(parsed.text)
    for chunk in chunks:
        assert chunk.tokens <= 256
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    assert all(seen or letter.isspace() for seen, letter in zip(covered, parsed.text, strict=True))
    for before, after in itertools.pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end


def test_overlap_begins_a_chunk_with_the_end_of_the_one_before() -> None:
    sentences = [
        f"Sentence number {number} says something about the river and the fox." for number in range(60)
    ]
    parsed = _document((PARAGRAPH, " ".join(sentences)))
    plain, overlapping = (split(parsed, TOKENIZER, title="t", overlap=o) for o in (0, 30))
    assert all(before.end < after.start for before, after in itertools.pairwise(plain))
    for before, after in itertools.pairwise(overlapping):
        shared = parsed.text[after.start : before.end]
        assert shared.startswith("Sentence number")
        assert 0 < TOKENIZER.count(shared) <= 30


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 1_000_000,
        "( " * 100_000,
        " " * 1_000_000,
        "\n" * 300_000,
        "漢" * 100_000,
        "." * 100_000 + "a",
        ('."' + "'" * 8) * 10_000,
        "\ufffd" * 100_000,
        "e\u0301" * 50_000,
        "- " * 100_000,
        "a\n" * 50_000,
        "\t|" * 50_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_hostile_text_is_cut_like_any_other(hostile: str) -> None:
    parsed = ParsedDocument(hostile, "text/plain", blocks=(Block(PARAGRAPH, 0, len(hostile)),))
    _assert_sound(parsed, split(parsed, TOKENIZER, title="t"), 256)


def test_a_hundred_thousand_blocks_are_no_trouble() -> None:
    parsed = _document(*[(HEADING, "h", 1 + number % 6) for number in range(20_000)])
    _assert_sound(parsed, split(parsed, TOKENIZER, title="t"), 256)


def test_chunks_end_where_sentences_end() -> None:
    parsed = _document((PARAGRAPH, SENTENCE * 60))
    chunks = split(parsed, TOKENIZER, title="t")
    assert len(chunks) > 3
    assert all(text.startswith("The quick") and text.endswith("bank.") for text in _texts(parsed, chunks))
    sizes = [chunk.tokens for chunk in chunks]
    assert max(sizes) - min(sizes) < 40, "the last is not a scrap"


def test_chunks_rather_end_where_paragraphs_end() -> None:
    paragraph = "A paragraph about ducks. " + SENTENCE * 6
    parsed = _document(*[(PARAGRAPH, paragraph)] * 9)
    assert all(text.startswith("A paragraph") for text in _texts(parsed, split(parsed, TOKENIZER, title="t")))


def test_small_paragraphs_are_packed_within_a_section_only() -> None:
    parsed = _document(
        (HEADING, "Ducks", 1), *[(PARAGRAPH, f"Duck {number}. {SENTENCE}") for number in range(3)],
        (HEADING, "Geese", 1), *[(PARAGRAPH, f"Goose {number}. {SENTENCE}") for number in range(3)],
    )  # fmt: skip
    texts = _texts(parsed, split(parsed, TOKENIZER, title="Birds"))
    assert [text.split("\n")[0] for text in texts] == ["Ducks", "Geese"]
    assert "Duck 2." in texts[0]


def test_a_heading_is_never_left_alone() -> None:
    parsed = _document(
        (PARAGRAPH, SENTENCE * 11), (HEADING, "Results", 1), (HEADING, "Of the first study", 2),
        (PARAGRAPH, SENTENCE * 40), (HEADING, "Nothing here", 1),
    )  # fmt: skip
    texts = _texts(parsed, split(parsed, TOKENIZER, title="t"))
    with_heading = next(text for text in texts if text.startswith("Results"))
    assert with_heading.startswith("Results\n\nOf the first study\n\nThe quick brown fox")
    assert texts[-1] == "Nothing here", "an empty section has nothing else to say"


def test_a_question_is_not_cut_off_from_its_answer() -> None:
    pairs = [((PARAGRAPH, f"What of duck {number}?"), (PARAGRAPH, SENTENCE * 3)) for number in range(40)]
    parsed = _document(*[block for pair in pairs for block in pair])
    texts = _texts(parsed, split(parsed, TOKENIZER, title="FAQ"))
    assert len(texts) > 4
    assert all(text.startswith("What of duck") and text.endswith("bank.") for text in texts)


def test_tiny_sections_share_a_chunk() -> None:
    questions = [
        ((HEADING, f"Question {number}?", 2), (PARAGRAPH, f"Answer {number}.")) for number in range(6)
    ]
    parsed = _document(*[block for pair in questions for block in pair])
    chunks = split(parsed, TOKENIZER, title="FAQ")
    assert 1 <= len(chunks) <= 2
    assert all(text.startswith("Question") for text in _texts(parsed, chunks))


def test_the_context_names_title_and_headings_above() -> None:
    parsed = _document(
        (PARAGRAPH, "Before any heading. " + SENTENCE * 10),
        (HEADING, "Birds", 1), (PARAGRAPH, SENTENCE * 10),
        (HEADING, "Ducks", 2), (PARAGRAPH, SENTENCE * 30),
        (HEADING, "Fish", 1), (PARAGRAPH, SENTENCE * 10),
    )  # fmt: skip
    chunks = split(parsed, TOKENIZER, title="The\nzoo")
    contexts = [(chunk.context, text[:8]) for chunk, text in zip(chunks, _texts(parsed, chunks), strict=True)]
    assert contexts[0] == ("The zoo", "Before a")
    assert ("The zoo", "Birds\n\nT") in contexts
    assert ("The zoo > Birds", "Ducks\n\nT") in contexts
    assert ("The zoo > Birds > Ducks", "The quic") in contexts
    assert contexts[-1] == ("The zoo", "Fish\n\nTh")


def test_a_title_that_is_also_the_heading_is_said_once() -> None:
    parsed = _document((HEADING, "Zoo", 1), (PARAGRAPH, SENTENCE * 30))
    assert {chunk.context for chunk in split(parsed, TOKENIZER, title="Zoo")} == {"Zoo"}


def test_of_a_long_context_the_deepest_headings_stay() -> None:
    headings = [(HEADING, f"Level {level} " + "word " * 15, level) for level in range(1, 6)]
    parsed = _document(*headings, (PARAGRAPH, SENTENCE * 40))
    last = split(parsed, TOKENIZER, title="The title")[-1]
    assert "Level 5" in last.context
    assert "Level 4" in last.context
    assert "Level 1" not in last.context
    assert TOKENIZER.count(last.context) <= CONTEXT_TOKENS


def test_one_heading_that_is_too_long_is_cut_at_a_word() -> None:
    parsed = _document((HEADING, "Immeasurable " * 30, 1), (PARAGRAPH, SENTENCE * 40))
    context = split(parsed, TOKENIZER, title="")[-1].context
    assert set(context.split()) == {"Immeasurable"}
    assert TOKENIZER.count(context) <= CONTEXT_TOKENS


def test_every_chunk_of_a_table_knows_its_header() -> None:
    rows = [
        (ROW, f"Town {number} | {number * 1000} | a remark on this town and its river")
        for number in range(60)
    ]
    parsed = _document(
        (HEADING, "Towns", 1), (ROW, "Name | People | Remark", 1), *rows,
        (PARAGRAPH, "That was the table. " + SENTENCE * 15), (ROW, "Another | table | without header"),
    )  # fmt: skip
    chunks = split(parsed, TOKENIZER, title="Atlas")
    texts = _texts(parsed, chunks)
    assert texts[0].startswith("Towns\nName | People") or texts[0].startswith("Towns\n\nName | People")
    assert chunks[0].context == "Atlas"
    inside = [chunk for chunk, text in zip(chunks, texts, strict=True) if text.startswith("Town ")]
    assert len(inside) > 3
    assert {chunk.context for chunk in inside} == {"Atlas > Towns\nName | People | Remark"}
    assert all(text.startswith(("Town", "That", "The quick", "Another")) for text in texts), "rows stay whole"
    assert "Name | People" not in chunks[-1].context


def test_a_header_row_is_not_the_end_of_a_chunk() -> None:
    rows = [(ROW, f"Town {number} | {number * 1000}") for number in range(40)]
    for words in range(90, 240):
        parsed = _document((PARAGRAPH, "duck " * words), (ROW, "Name | People", 1), *rows)
        texts = _texts(parsed, split(parsed, TOKENIZER, title="t"))
        assert not any(text.endswith("Name | People") for text in texts), words


def test_a_long_heading_is_not_left_alone_either() -> None:
    for words in range(20, 200, 3):
        parsed = _document((HEADING, "duck " * words, 1), (PARAGRAPH, SENTENCE * 40))
        first = _texts(parsed, split(parsed, TOKENIZER, title="t"))[0]
        assert "fox" in first or len(first.split()) < words, words


class _Misleading:
    """A tokenizer that makes more tokens of a piece than it made of the same characters in the whole."""

    special_tokens = TOKENIZER.special_tokens
    count = staticmethod(TOKENIZER.count)
    counts = staticmethod(TOKENIZER.counts)
    offsets = staticmethod(TOKENIZER.offsets)

    def starts(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return [
            np.array([start for number, start in enumerate(starts) if number % 3 or number < 60])
            for starts in TOKENIZER.starts(texts)
        ]


def test_what_is_heavier_than_it_weighed_is_halved_until_it_fits() -> None:
    for sentences in range(1, 90):
        parsed = _document((HEADING, "Birds", 1), (PARAGRAPH, SENTENCE * sentences))
        _assert_sound(parsed, split(parsed, _Misleading(), title="t"), 256)


class _Counting(OffsetTokenizer):
    """Adds up how many characters it is given."""

    given = 0

    def starts(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        self.given += sum(map(len, texts))
        return super().starts(texts)

    def counts(self, texts: Sequence[str]) -> list[int]:
        self.given += sum(map(len, texts))
        return super().counts(texts)


@pytest.mark.parametrize(
    ("unit", "times"), [("word ", 2.1), ("X: y\n", 2.1), (",", 1.1), ("[](", 1.1), ("é", 2.1)]
)
def test_how_often_a_text_is_tokenized_is_bounded(unit: str, times: float) -> None:
    """Twice: to weigh it and to be sure. Once where there are no words, which costs most."""
    tokenizer = _Counting(default_embedder_path())
    text = unit * (100_000 // len(unit))
    split(_document((PARAGRAPH, text)), tokenizer, title="")
    assert tokenizer.given <= times * len(text)


def test_code_is_cut_at_line_ends() -> None:
    parsed = _document(
        (CODE, "\n".join(f"    total_{number} = compute(total, {number})" for number in range(200)))
    )
    texts = _texts(parsed, split(parsed, TOKENIZER, title="t"))
    assert len(texts) > 5
    assert all(text.startswith("total_") and text.endswith(")") for text in texts)


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    parsed = _document((PARAGRAPH, " ".join(f"number{number}" for number in range(900))))
    texts = _texts(parsed, split(parsed, TOKENIZER, title="t"))
    assert len(texts) > 5
    assert all(text.startswith("number") for text in texts)
    assert [word for text in texts for word in text.split()] == parsed.text.split()


def test_a_chunk_is_on_the_page_it_starts_on() -> None:
    text = "\n\n".join(SENTENCE * 12 for _ in range(4))
    size = len(SENTENCE * 12)
    pages = tuple(Page(n + 1, n * (size + 2), n * (size + 2) + size) for n in range(4))
    parsed = ParsedDocument(
        text, "application/pdf", pages=pages, blocks=tuple(Block(PARAGRAPH, p.start, p.end) for p in pages)
    )
    chunks = split(parsed, TOKENIZER, title="t")
    for chunk in chunks:
        assert chunk.page is not None
        page = pages[chunk.page - 1]
        assert page.start <= chunk.start < page.end
    assert {chunk.page for chunk in chunks} == {1, 2, 3, 4}


def test_formats_without_pages_have_none() -> None:
    assert [chunk.page for chunk in split(_document((PARAGRAPH, "Text.")), TOKENIZER, title="t")] == [None]


def test_nothing_makes_no_chunk() -> None:
    assert split(ParsedDocument("", "text/plain"), TOKENIZER, title="t") == []
    assert split(ParsedDocument(" \n\t\n ", "text/plain"), TOKENIZER, title="t") == []


@pytest.mark.parametrize("options", [{"max_tokens": 31}, {"overlap": -1}, {"overlap": 51}])
def test_sizes_that_cannot_work_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="it has to be"):
        split(_document((PARAGRAPH, "Text.")), TOKENIZER, title="t", **options)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Millions | 2022 | 2021\nNet sales | $ | 3,382 | (12.5%)", "Millions | 2022 | 2021\nNet sales"),
        ("12 | 14", "12 | 14"),
        ("Item: Widget | Price: 3.50", "Item: Widget | Price: 3.50"),
        ("It cost $ 12, or 3 %.", "It cost $ 12, or 3 %."),
    ],
)
def test_figures_of_a_table_are_not_embedded_but_its_labels_are(body: str, said: str) -> None:
    assert without_figures(body) == said
