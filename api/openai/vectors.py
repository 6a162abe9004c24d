"""Embeddings on the wire. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal

import numpy as np

from api.openai.errors import ParameterRefused
from api.openai.library_schemas import Embedding, EmbeddingList, EmbeddingRequest, EmbeddingUsage
from rag.models.embedder import Vectors, encodable

BATCH = 32
"""Texts embedded between two looks at whether anybody still waits for them."""


def texts(request: EmbeddingRequest) -> list[str]:
    """What is to be embedded. Raises ``ParameterRefused`` for tokens, and for a number of dimensions."""
    if request.dimensions is not None:
        raise ParameterRefused("dimensions", "Vectors have the length the model gives them; leave it out.")
    given = [request.input] if isinstance(request.input, str) else request.input
    found = [one for one in given if isinstance(one, str)]
    if not found or len(found) < len(given):
        raise ParameterRefused(
            "input",
            "Tokens mean nothing here; send text (in LangChain, check_embedding_ctx_length=False).",
        )
    return [encodable(one) for one in found]


def check_lengths(counts: Sequence[int], most: int) -> None:
    """Raises ``ParameterRefused`` (``too_long_for_embedder``); nothing is ever cut silently."""
    for place, count in enumerate(counts):
        if count > most:
            raise ParameterRefused(
                f"input.{place}",
                f"It has {count:,} tokens and the model reads {most:,}; split it.",
                "too_long_for_embedder",
            )


def embedding_list(
    vectors: Vectors, tokens: int, model: str, form: Literal["float", "base64"]
) -> EmbeddingList:
    return EmbeddingList(
        data=[
            Embedding(
                index=place,
                embedding=row.tolist()
                if form == "float"
                else base64.b64encode(np.ascontiguousarray(row, dtype="<f4").tobytes()).decode(),
            )
            for place, row in enumerate(vectors)
        ],
        model=model,
        usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
    )
