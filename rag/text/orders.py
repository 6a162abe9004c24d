"""Tells sentences that give orders to whoever reads them, an assistant above all."""

from __future__ import annotations

import re

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


def gives_orders(sentence: str) -> bool:
    """Whether a sentence tells its reader what to write or how to behave, or asks it something."""
    asks = sentence.rstrip("\"'”’) ").endswith("?")
    return asks or is_for_an_assistant(sentence) or any(order.search(sentence) for order in _TO_ANYONE)


def is_for_an_assistant(sentence: str) -> bool:
    """Whether a sentence speaks to a language model, or in the marks of one."""
    return any(order.search(sentence) for order in _TO_AN_ASSISTANT)
