from __future__ import annotations

import pytest

from rag.stores.document_names import metadata_text, naming_text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("BestBuy_FY23.pdf", {"BestBuy", "Best", "Buy", "FY23", "2023"}),
        ("3M_2018_10K.pdf", {"3M", "2018", "10K"}),
        ("annual-report2022.pdf", {"annual-report2022", "report", "2022"}),
    ],
)
def test_a_file_name_is_read_as_words(name: str, words: set[str]) -> None:
    assert set(naming_text(name).split()) == words


def test_metadata_speaks_by_its_values_however_nested() -> None:
    said = metadata_text({"company": "Nordvik", "period": {"year": 2022}, "tags": ["audited"], "draft": True})
    assert set(said.split()) == {"Nordvik", "2022", "audited"}


def test_endless_metadata_is_cut() -> None:
    assert len(metadata_text({"text": "word " * 10_000})) <= 2_000
