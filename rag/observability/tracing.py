"""OpenTelemetry traces, for whoever asks for them; without that, nothing is imported and nothing is done.

A span has a name, times and attributes out of ``_ATTRIBUTES``: counts, codes and identifiers. No text,
no file name and no exception message is ever put into one; an attribute that is not listed is a bug and
raises. Standard: OpenTelemetry tracing API 1.x, exported by OTLP over HTTP.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rag.errors import BadRequest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_ATTRIBUTES = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "error.type",
        "footnote.request_id",
        "footnote.answer",
        "footnote.status",
        "footnote.job",
        "footnote.document",
        "footnote.attempt",
        "footnote.outcome",
        "footnote.mode",
        "footnote.kind",
        "footnote.passages",
        "footnote.evidence",
        "footnote.pages",
        "footnote.chunks",
        "footnote.verdict",
        "footnote.prompt_tokens",
        "footnote.reused_tokens",
        "footnote.completion_tokens",
        "footnote.queue_seconds",
        "footnote.prefill_seconds",
        "footnote.decode_seconds",
        "footnote.finish_reason",
    }
)
_LONGEST_VALUE = 128
_EXPORT_SECONDS = 5.0

Value = str | int | float | bool

_tracer: Tracer | None = None
_provider: TracerProvider | None = None
_current: ContextVar[Open | None] = ContextVar("footnote_span", default=None)


class Open:
    """A span that has begun. ``end`` it once; until then attributes may be added."""

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def set(self, attributes: Mapping[str, Value | None]) -> None:
        """Add attributes, except those that are None. Raises ``KeyError`` for one that is not listed."""
        if self._span is None:
            return
        for name, value in attributes.items():
            if name not in _ATTRIBUTES:
                raise KeyError(name)
            if value is not None:
                self._span.set_attribute(name, value[:_LONGEST_VALUE] if isinstance(value, str) else value)

    def fail(self, kind: str) -> None:
        """Mark it as failed; ``kind`` is an error's code or class, not its message."""
        if self._span is None:
            return
        from opentelemetry.trace import Status, StatusCode

        self.set({"error.type": kind})
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        if self._span is not None:
            self._span.end()

    @property
    def inner(self) -> Span | None:
        return self._span


_NOTHING = Open(None)


def start(process: str, endpoint: str) -> None:
    """Send this process's spans to the OTLP collector at ``endpoint``, an address over HTTP.

    Raises ``BadRequest`` (``tracing_not_installed``) where the optional libraries are missing.
    """
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadRequest(
            "tracing_not_installed",
            "FOOTNOTE_TRACES needs libraries that are not installed; run `pip install footnote[tracing]` "
            "or unset it.",
        ) from error
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment is not where traces were asked to go
    exporter = OTLPSpanExporter(endpoint, timeout=_EXPORT_SECONDS, session=session)
    _install(process, BatchSpanProcessor(exporter))


def start_with(process: str, exporter: SpanExporter) -> None:
    """Hand spans to ``exporter`` as they end; for tests and for programs that embed Footnote."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    _install(process, SimpleSpanProcessor(exporter))


def stop() -> None:
    """Send what is left, for some seconds at most, and trace no more."""
    global _tracer, _provider
    provider, _tracer, _provider = _provider, None, None
    if provider is not None:
        provider.shutdown()


def active() -> bool:
    return _tracer is not None


@contextlib.contextmanager
def span(name: str, attributes: Mapping[str, Value | None] | None = None) -> Iterator[Open]:
    """A span around a block, inside the one around it. Does nothing while tracing is off."""
    if _tracer is None:
        yield _NOTHING
        return
    opened = begin(name, attributes)
    token = _current.set(opened)
    try:
        yield opened
    except BaseException as error:
        opened.fail(kind_of(error))
        raise
    finally:
        # In the context that opened it; a generator that is closed from elsewhere has another one.
        with contextlib.suppress(ValueError):
            _current.reset(token)
        opened.end()


def begin(
    name: str, attributes: Mapping[str, Value | None] | None = None, *, since: int | None = None
) -> Open:
    """A span inside the one around this call, for what does not fit into a block; ``end`` it.

    ``since`` is when it began, in nanoseconds since 1970, if that is over already.
    """
    if _tracer is None:
        return _NOTHING
    from opentelemetry.trace import set_span_in_context

    around = _current.get()
    parent = set_span_in_context(around.inner) if around is not None and around.inner is not None else None
    opened = Open(
        _tracer.start_span(
            name, context=parent, start_time=since, record_exception=False, set_status_on_exception=False
        )
    )
    opened.set(attributes or {})
    return opened


def kind_of(error: BaseException) -> str:
    """What a span says of an error: its stable code, or else its class."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else type(error).__qualname__


def _install(process: str, processor: Any) -> None:
    global _tracer, _provider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    # Named here and not detected: detectors describe the machine and read its environment.
    resource = Resource(
        {
            "service.name": "footnote",
            "service.version": version("footnote"),
            "service.instance.id": process,
        }
    )
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("footnote")
