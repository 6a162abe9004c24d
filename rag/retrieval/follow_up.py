"""Questions that only make sense after the one before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text.words import STOPWORDS, content_words, names, words

_POINTS_BACK = frozenset(
    "he she it they him her them his hers its their theirs this that these those there one ones".split()
)
_CONTINUES = re.compile(r"\s*(?:and|but|also|what about|how about)\b", re.IGNORECASE)
_BARE = re.compile(r"\s*(?:why|when|where|who|how|what)(?: not| so| else)?\s*[?.!]*\s*$", re.IGNORECASE)
_FEW_WORDS = 2


def depends_on_history(question: str) -> bool:
    """Whether a question names too little to be searched on its own."""
    asked = words(question)
    if not asked:
        return False
    carries = [word for word in asked if word not in STOPWORDS]
    if _BARE.match(question) or (_CONTINUES.match(question) and len(carries) <= _FEW_WORDS):
        return True
    return any(word in _POINTS_BACK for word in asked) and not names(question)


def standalone(question: str, earlier: Sequence[str]) -> str:
    """The question, with the subject of the last standalone question added where it needs one."""
    if not earlier or not depends_on_history(question):
        return question
    known = set(words(question))
    subject = [word for word in content_words(earlier[-1]) if word not in known]
    kept = _as_written(earlier[-1], subject)
    return f"{question} ({' '.join(kept)})" if kept else question


def _as_written(text: str, wanted: Sequence[str]) -> list[str]:
    """Words of ``text`` in their own spelling: capitals tell names to whoever reads on."""
    left = set(wanted)
    return [token for token in re.findall(r"[^\W_]+", text) if token.lower() in left]
