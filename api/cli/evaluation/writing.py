"""A language model of this process's own that writes questions.

The service has no way to make its model write freely, and gets none for this: whatever can be asked of
it over HTTP, a web page or another user of the machine may ask as well. So the weights are loaded once
more, in a child process, for as long as questions are being made; another server's model is asked there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from api.generators import start_generator
from api.settings import load
from rag.errors import FootnoteError
from rag.evaluation import questions
from rag.evaluation.answer_spans import Target
from rag.evaluation.questions import Passage
from rag.models.generation import TokenEvent

Writer = Callable[[Passage, Target], str | None]
"""Writes a question, or nothing where what it wrote cannot be used."""

_CONTEXT = 2048
_READY_S = 120.0


def no_writer(_: Passage, __: Target) -> str | None:
    """Leaves every question to be made without a model."""
    return None


@contextmanager
def model_writer() -> Iterator[Writer]:
    """The configured generator as a writer. Raises ``FootnoteError`` when it cannot be had."""
    settings = load(os.environ)
    with closing(start_generator(settings, context=_CONTEXT)) as generator:
        generator.wait_ready(_READY_S)
        layout = generator.chat_format

        def write(passage: Passage, target: Target) -> str | None:
            if passage.language not in ("", "en"):
                return None  # it was trained on English
            try:
                with generator.generate(questions.request(passage, target, layout)) as events:
                    written = "".join(event.text for event in events if isinstance(event, TokenEvent))
            except FootnoteError:  # one that died is restarted; this question is made without it
                return None
            question = questions.tidy(written)
            return None if questions.faults(question, passage, target) else question

        yield write
