"""What becomes of evidence that gives orders to whoever reads it, an assistant above all.

None of them is given to the model. What is plainly meant for an assistant answers no question about its
document either: it stays searchable, and is quoted only where nothing else comes near it, as in a document
about such sentences. What might as well be meant for a person ("Write the date on the form.") is quoted
when it is the best there is: manuals are made of those. That is a second line: whatever the model reads, it
has no tools and no secrets, writes ordinary text only, and nothing it writes is delivered unless the evidence
bears it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.records import Evidence
from rag.text.orders import gives_orders, is_for_an_assistant

_STANDS_OUT = 3.0
"""How many times the score of the best statement an order must have to be quoted."""


def quotable(evidence: Sequence[Evidence]) -> list[Evidence]:
    """``evidence``, in its order, without orders: one to anyone must score above every statement, one to an
    assistant stand out so far that it was asked for."""
    best = max((item.score for item in evidence if not gives_orders(item.text)), default=0.0)

    def keeps(item: Evidence) -> bool:
        if is_for_an_assistant(item.text):
            return item.score > _STANDS_OUT * best
        return item.score > best or not gives_orders(item.text)

    return [item for item in evidence if keeps(item)]


def readable(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What of ``evidence`` the model gets to see."""
    return [item for item in evidence if not gives_orders(item.text)]
