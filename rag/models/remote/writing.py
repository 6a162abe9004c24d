"""One text as a server writes it, held to what the local engine would have let pass."""

from __future__ import annotations

import re
import time

from rag.models.generation import CopiedSpan, FinishedEvent, FinishReason, GenerationRequest, Usage
from rag.models.remote.copying import copied_span
from rag.models.remote.messages import estimated_tokens
from rag.models.remote.stream import Piece
from rag.models.text_stream import RepetitionGuard, TextStream

_FOOTNOTE = re.compile(r"\s*\[(\d+)\]")
_THINKING = ("<think>", "</think>")


_ENDS = {"length": FinishReason.LENGTH}
"""What servers say of an end; everything else is an ordinary one."""


class RemoteWriting:
    """Give it the pieces as they come; it gives the text that may be shown.

    Nothing follows a stop string, whether or not the server knew it; a sentence that is said again ends the
    text; footnotes that were not offered are dropped, and so is what a model thinks aloud at the beginning.

    Args:
        prompt_tokens: of the prompt, about; what the server counts goes before.
    """

    def __init__(self, request: GenerationRequest, prompt_tokens: int) -> None:
        self._request = request
        self._offered = request.citations if request.copy_from is None else None
        self._stream = TextStream(request.stop, hold_brackets=self._offered is not None)
        self._repetition = RepetitionGuard()
        self._beginning: str | None = ""
        self._given = ""
        self._began = time.monotonic()
        self._first: float | None = None
        self._servers_reason: str | None = None
        self._written: int | None = None
        self.prompt_tokens = prompt_tokens
        self.reason: FinishReason | None = None
        """Why to end here, whatever the server would still write."""

    def take(self, piece: Piece) -> str:
        """The text that a piece made certain."""
        if self._first is None and (piece.text or piece.thought):
            self._first = time.monotonic()
        self._servers_reason = piece.finish_reason or self._servers_reason
        if piece.prompt_tokens is not None:
            self.prompt_tokens = piece.prompt_tokens
        if piece.completion_tokens is not None:
            self._written = piece.completion_tokens
        # Surrogates cannot be encoded: a server may send half of a pair as an escape.
        certain = self._stream.feed(self._without_beginning(piece.text).encode("utf-8", "replace"))
        shown = self._shown(certain)
        if self._stream.stopped:
            self.reason = FinishReason.STOP
        elif self._repetition.feed(shown):
            self.reason = FinishReason.REPETITION
        return shown

    def finish(self) -> str:
        """What was held back, now that nothing follows."""
        return self._shown(self._stream.finish())

    def finished(self) -> FinishedEvent:
        """The last event. Tokens are the server's count, else estimated from the text."""
        now = time.monotonic()
        first = now if self._first is None else self._first
        written = estimated_tokens(self._given) if self._written is None else self._written
        return FinishedEvent(
            self.reason or _ENDS.get(self._servers_reason or "", FinishReason.STOP),
            Usage(self.prompt_tokens, written),
            {"queue": 0.0, "prefill": first - self._began, "decode": now - first},
            self.copied,
        )

    @property
    def copied(self) -> CopiedSpan | None:
        """What of a source was written, where the request allows nothing else."""
        sources = self._request.copy_from
        return None if sources is None else copied_span(self._given, sources)

    def _without_beginning(self, text: str) -> str:
        """Leaves out thoughts and white space before the text: a stop string would end it there."""
        if self._beginning is None:
            return text
        self._beginning = (self._beginning + text).lstrip()
        opening, closing = _THINKING
        if self._beginning.startswith(opening):
            _, _, rest = self._beginning.partition(closing)
            if not (rest := rest.lstrip()):
                return ""
        elif opening.startswith(self._beginning):
            return ""
        else:
            rest = self._beginning
        self._beginning = None
        return rest

    def _shown(self, text: str) -> str:
        if self._offered is not None:
            text = _FOOTNOTE.sub(self._if_offered, text)
        self._given += text
        return text

    def _if_offered(self, mark: re.Match[str]) -> str:
        assert self._offered is not None
        return mark.group() if int(mark.group(1)) in self._offered else ""
