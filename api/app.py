"""The ASGI application: routes, error handling and middleware around a service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from api import problems, reference_page, rights
from api.assembly import Service
from api.auth import Authentication
from api.dependencies import problems as problem_responses
from api.gate import Gate
from api.lifecycle import Draining
from api.made_once import MadeOnce
from api.middleware import BodyLimits, Guard, RequestContext
from api.openai.described import describe_errors
from api.openai.errors import OpenAIErrors
from api.routes import (
    answers,
    ask,
    collections,
    contents,
    conversations,
    documents,
    embedder,
    jobs,
    keys,
    openai_chat,
    openai_embeddings,
    openai_files,
    openai_models,
    openai_responses,
    openai_vector_store_files,
    openai_vector_stores,
    privacy,
    queue,
    search,
    status,
    system,
    web,
)
from api.schemas import Problem

_log = structlog.get_logger(__name__)

_DESCRIPTION = (
    "Answers from your documents in which every sentence carries a checked citation. "
    "Errors are RFC 9457 problem documents with a stable code."
)

_ROUTES = (
    documents,
    contents,
    jobs,
    keys,
    embedder,
    queue,
    collections,
    search,
    ask,
    answers,
    conversations,
    openai_chat,
    openai_responses,
    openai_models,
    openai_embeddings,
    openai_files,
    openai_vector_stores,
    openai_vector_store_files,
    privacy,
    status,
    system,
    web,
)


_AT_THE_EDGE = (400, 403, 408, 431, 503)
"""Statuses of what is refused by the protocol and the middleware, whatever it asks for."""


def create_app(service: Service) -> FastAPI:
    """The application over ``service``, which it starts and closes with its own life span."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        measuring = asyncio.create_task(service.load.lag.run())
        yield
        measuring.cancel()
        try:
            await run_in_threadpool(service.close)
        except Exception:
            _log.exception("closing_failed")  # uvicorn would say only that something had
            raise

    app = FastAPI(
        title="Footnote",
        version=version("footnote"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        # The usual pages load their scripts from elsewhere; ``routes/system.py`` has one that does not, and
        # the document itself, which FastAPI would write anew for every request.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False},
    )
    app.state.service = service
    problems.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    settings = service.settings
    # Added last is outermost.
    app.add_middleware(Gate, load=service.load)
    app.add_middleware(
        BodyLimits,
        json_bytes=settings.max_json_bytes,
        upload_bytes=settings.max_upload_bytes,
        pause_seconds=settings.body_seconds,
        rate=settings.body_rate,
    )
    app.add_middleware(Draining, life=service.life)
    app.add_middleware(Authentication, callers=service.callers, doors=rights.doors_of(app))
    app.add_middleware(Guard, host=settings.host, allowed=settings.allowed_hosts)
    app.add_middleware(RequestContext, observe=service.metrics.observe_request)
    app.add_middleware(OpenAIErrors)
    app.openapi = MadeOnce(lambda: _openapi(app))  # type: ignore[method-assign]  # FastAPI's documented way
    app.state.openapi_document = MadeOnce(lambda: json.dumps(app.openapi(), ensure_ascii=False).encode())
    app.state.reference_page = MadeOnce(lambda: reference_page.render(app.openapi()))
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document with our problem schema, and with 422 as what it really is here."""
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = made["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _describe_keys(made)
    _describe_edge(made)
    describe_errors(made)
    return made


def _describe_keys(made: dict[str, Any]) -> None:
    """Say at every operation that needs a key that it does, and how it is refused without."""
    made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    refusals = {str(status): answer for status, answer in problem_responses(401, 403).items()}
    for methods in made["paths"].values():
        for operation in methods.values():
            if not rights.is_public(operation):
                operation["security"] = [{"key": []}]
                operation["responses"] = {**refusals, **operation["responses"]}


def _describe_edge(made: dict[str, Any]) -> None:
    """Say at every operation how a request is refused before it gets there."""
    described = {str(status): answer for status, answer in problem_responses(*_AT_THE_EDGE, 413).items()}
    for methods in made["paths"].values():
        for operation in methods.values():
            statuses = [*map(str, _AT_THE_EDGE), *(["413"] if "requestBody" in operation else [])]
            refusals = {status: described[status] for status in statuses}
            operation["responses"] = {**refusals, **operation["responses"]}
