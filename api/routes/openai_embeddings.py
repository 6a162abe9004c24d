"""OpenAI's embeddings, made by the model that Footnote searches with."""

from __future__ import annotations

import asyncio

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.admission import key_of
from api.answering import CLIENT_GONE
from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep, problems
from api.openai import naming, vectors
from api.openai.counting import tokenizer_at
from api.openai.errors import OpenAIRoute
from api.openai.library_schemas import EmbeddingList, EmbeddingRequest
from api.rights import Right, needs
from rag.errors import Unavailable
from rag.models.embedder import Vectors

router = APIRouter(prefix="/v1/embeddings", tags=["openai"], route_class=OpenAIRoute)


@router.post(
    "",
    response_model=EmbeddingList,
    responses=problems(400, 404, 413, 429, 503),
    openapi_extra=needs(Right.READ),
)
async def create_embeddings(
    request: Request, service: ServiceDep, caller: CallerDep, wanted: EmbeddingRequest
) -> Response:
    """Unit vectors, in the order of the texts. A text that the model cannot read whole is refused."""
    if wanted.model not in (naming.EMBEDDING, service.embedder.identity.name):
        raise naming.unknown(wanted.model)
    texts = vectors.texts(wanted)
    searches = service.load.searches
    with await searches.enter(key_of(request.scope)):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + service.settings.ask_seconds
        counts = await loop.run_in_executor(searches.executor, _counts, service, texts)
        rows: list[Vectors] = []
        for start in range(0, len(texts), vectors.BATCH):
            if await request.is_disconnected():
                return Response(status_code=CLIENT_GONE)
            if loop.time() > deadline:
                raise Unavailable(
                    "embedding_timeout",
                    "The texts took longer than FOOTNOTE_ASK_SECONDS; send fewer in one request.",
                )
            some = texts[start : start + vectors.BATCH]
            rows.append(await loop.run_in_executor(searches.executor, service.embedder.encode, some))
    made = vectors.embedding_list(
        np.concatenate(rows), sum(counts), wanted.model, wanted.encoding_format or "float"
    )
    return JSONResponse(made.model_dump(mode="json"))


def _counts(service: Service, texts: list[str]) -> list[int]:
    embedder = service.embedder
    tokenizer = tokenizer_at(embedder.folder)
    counts = tokenizer.counts(texts)
    vectors.check_lengths(counts, embedder.max_tokens - tokenizer.special_tokens)
    return counts
