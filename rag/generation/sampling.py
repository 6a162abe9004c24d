"""How an asker may let the model write."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rag.models.generation import GenerationRequest


@dataclass(frozen=True, slots=True)
class Sampling:
    """Each is None for Footnote's own way; bounds are those of ``GenerationRequest``.

    They hold where the model writes freely. What it copies, and what is quoted, follows from the documents.
    ``max_tokens`` is of the draft and never raises Footnote's own limit.
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None

    def applied(self, request: GenerationRequest) -> GenerationRequest:
        """The request, written this way.

        Raises ``BadRequest`` (``bad_generation_request``) for a value out of range."""
        if request.copy_from is not None:
            return request
        return replace(
            request,
            temperature=request.temperature if self.temperature is None else self.temperature,
            top_p=request.top_p if self.top_p is None else self.top_p,
            seed=request.seed if self.seed is None else self.seed,
            max_tokens=min(request.max_tokens, self.max_tokens or request.max_tokens),
        )


AS_USUAL = Sampling()
