from __future__ import annotations

import pytest

from rag.text.business_terms import as_printed


@pytest.mark.parametrize(
    ("question", "printed"),
    [
        ("How much capex in FY2022?", "purchases additions property plant equipment"),
        ("What is the net PP&E?", "property plant equipment"),
        ("Look at the P&L statement.", "statements of income"),
        ("What was the turnover?", "net sales"),
    ],
)
def test_what_is_asked_is_looked_for_as_it_is_printed(question: str, printed: str) -> None:
    assert printed in as_printed(question)


@pytest.mark.parametrize(
    "question", ["Who built the lighthouse?", "What is a capexit?", "Where is Cogsworth?"]
)
def test_other_questions_stay_as_they_are(question: str) -> None:
    assert as_printed(question) == ""
