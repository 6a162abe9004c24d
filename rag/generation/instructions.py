"""Sentences that give orders to whoever reads them, an assistant above all.

None of them is given to the model. What is plainly meant for an assistant answers no question about its
document either: it stays searchable, and is quoted only where nothing else comes near it, as in a document
about such sentences. What might as well be meant for a person ("Write the date on the form.") is quoted
when it is the best there is: manuals are made of those. That is a second line: whatever the model reads, it
has no tools and no secrets, writes ordinary text only, and nothing it writes is delivered unless the evidence
bears it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.records import Evidence

_REPLY = r"(?:answers?|repl(?:y|ies)|responses?|outputs?|messages?|summary|completion)"
_TO_AN_ASSISTANT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # control tokens of chat formats, and what looks like them
        r"<\|[^|<>\s]{1,40}\|>|</?(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)>",
        r"^\W*(?:system|assistant|user|human)(?:\s+(?:prompt|message|note))?\s*:",
        r"^\W*#+\s*(?:instructions?|system|response)\b",
        # orders that take the place of other orders
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|preceding|"
        r"all|your|these|other)\b.{0,40}\b(?:instructions?|prompts?|rules?|context|text|directions?|"
        r"guidelines|questions?|sources?|documents?)\b",
        r"\b(?:new|real|actual|updated) (?:instructions?|task|system prompt)\b\W",
        # talk about the reply, to whoever writes it
        rf"\byour\s+(?:\w+\s+)?{_REPLY}\b",
        r"\b(?:reply|respond|answer) (?:only |always |instead )?(?:with|in|by|as|using)\b",
        # a role
        r"\b(?:you are|act as|pretend to be|behave as|as) (?:now )?(?:an?|the) (?:\w+ )?"
        r"(?:ai|assistant|chatbot|language model|bot)\b",
        r"\b(?:ai|assistant|chatbot|language model|llm)s?\b.{0,30}\b"
        r"(?:must|should|shall|need to|has to|have to)\b",
    )
)
_TO_ANYONE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # tasks for a writer of texts
        r"^\W*(?:please\s+)?(?:explain|describe|summari[sz]e|translate|rewrite|paraphrase|draft|compose|write|"
        r"provide|develop|generate|list|break down|show me|tell me|give me|print|output|repeat|say)\b",
        r"\b(?:can|could|would|will) you\b",
    )
)

_STANDS_OUT = 3.0
"""How many times the score of the best statement an order must have to be quoted."""


def gives_orders(sentence: str) -> bool:
    """Whether a sentence tells its reader what to write or how to behave, or asks it something."""
    asks = sentence.rstrip("\"'”’) ").endswith("?")
    return asks or is_for_an_assistant(sentence) or any(order.search(sentence) for order in _TO_ANYONE)


def is_for_an_assistant(sentence: str) -> bool:
    """Whether a sentence speaks to a language model, or in the marks of one."""
    return any(order.search(sentence) for order in _TO_AN_ASSISTANT)


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
