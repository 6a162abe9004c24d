"""What can go wrong with a model's server, as errors. None holds a word of what it said: it may quote."""

from __future__ import annotations

import re
import ssl

import httpx

from rag.errors import FootnoteError, ServerBusy, TooLarge, Unavailable

_TOO_LONG = re.compile(
    rb"context_length_exceeded|exceed_context_size|maximum context length|context (?:size|window)|too long",
    re.IGNORECASE,
)
"""How servers say it: OpenAI and vLLM, llama.cpp, llama-cpp-python."""
_FIRST_GUESS_S = 5.0
_LONGEST_WAIT_S = 3600.0


def unreachable(how: str) -> Unavailable:
    return Unavailable(
        "model_server_unreachable",
        f"The language model's server {how}; start it, or correct FOOTNOTE_GENERATOR_URL.",
    )


def failed(how: str) -> Unavailable:
    return Unavailable(
        "model_server_failed", f"The language model's server {how}; look into its log, then ask again."
    )


def slow(how: str) -> Unavailable:
    return Unavailable(
        "model_server_slow",
        f"The language model's server {how}; ask again later, or raise FOOTNOTE_GENERATOR_SECONDS.",
    )


def refused(how: str, mend: str) -> Unavailable:
    return Unavailable("model_server_refused", f"The language model's server {how}; {mend}.")


def of_status(status: int, body: bytes, retry_after: str | None) -> FootnoteError:
    """The error behind a status other than 200."""
    if status in (401, 403):
        return refused(f"refused the key ({status})", "correct the file of FOOTNOTE_GENERATOR_KEY_FILE")
    if status in (400, 413, 422) and (status == 413 or _TOO_LONG.search(body)):
        return TooLarge(
            "prompt_too_long", "The prompt is too long for the model's server; ask with less text."
        )
    if status == 404:
        return refused(
            "knows no such model or address (404)", "set FOOTNOTE_GENERATOR_MODEL to a model that it lists"
        )
    if status in (429, 503):
        return ServerBusy(
            "model_server_busy",
            "The language model's server has too much to do; ask again later.",
            _wait(retry_after),
        )
    if 300 <= status < 400:
        return refused(f"sends elsewhere ({status})", "set FOOTNOTE_GENERATOR_URL to where it really is")
    if 400 <= status < 500:
        return refused(f"refused the request ({status})", "its log says why")
    return failed(f"failed ({status})")


def of_transport(error: httpx.HTTPError) -> Unavailable:
    """The error behind a connection that could not be made or broke."""
    if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
        return slow("says nothing")
    if isinstance(error, httpx.ConnectTimeout):
        return unreachable("does not answer")
    if isinstance(error, httpx.ConnectError):
        if _has_cause(error, ssl.SSLError):
            return unreachable("shows no certificate that is trusted here")
        return unreachable("cannot be connected to")
    return unreachable("broke off")


def _has_cause(error: BaseException, kind: type[BaseException]) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, kind):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _wait(retry_after: str | None) -> float:
    try:
        return min(_LONGEST_WAIT_S, max(1.0, float(retry_after or _FIRST_GUESS_S)))
    except ValueError:  # a date, or nonsense
        return _FIRST_GUESS_S
