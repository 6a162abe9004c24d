"""The ASGI application: routes, error handling and middleware around a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from api import problems
from api.assembly import Service
from api.middleware import BodyLimits, Guard, RequestContext
from api.routes import (
    answers,
    ask,
    collections,
    contents,
    conversations,
    documents,
    jobs,
    queue,
    search,
    system,
)
from api.schemas import Problem

_DESCRIPTION = (
    "Answers from your documents in which every sentence carries a checked citation. "
    "Errors are RFC 9457 problem documents with a stable code."
)

_ROUTES = (documents, contents, jobs, queue, collections, search, ask, answers, conversations, system)


def create_app(service: Service) -> FastAPI:
    """The application over ``service``, which it starts and closes with its own life span."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="Footnote",
        version=version("footnote"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        # The usual pages load their scripts from elsewhere; ``routes/system.py`` has one that does not.
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
    app.add_middleware(
        BodyLimits,
        json_bytes=settings.max_json_bytes,
        upload_bytes=settings.max_upload_bytes,
        pause_seconds=settings.body_seconds,
    )
    app.add_middleware(Guard, host=settings.host)
    app.add_middleware(RequestContext, observe=service.metrics.observe_request)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document with our problem schema, and with 422 as what it really is here."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = made["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = made
    return app.openapi_schema
