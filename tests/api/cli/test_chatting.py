from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import httpx
import pytest

from api.cli.asking import Options
from api.cli.chatting import chat
from api.cli.connection import Connection


class _Interrupted(httpx.SyncByteStream):
    """An answer during which somebody presses Ctrl-C."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b'event: token\ndata: {"text": "The reading "}\n\n'
        raise KeyboardInterrupt

    def close(self) -> None:
        self.closed = True


def test_ctrl_c_stops_the_answer_and_not_the_chat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    streams: list[_Interrupted] = []
    conversations: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/collections":
            return httpx.Response(200, json={"data": [], "next_cursor": None})
        conversations.append(json.loads(request.content)["conversation"])
        streams.append(_Interrupted())
        return httpx.Response(200, stream=streams[-1])

    monkeypatch.setattr(sys, "stdin", io.StringIO("When?\nWhere?\n/new\nWho?\n"))
    chat(Connection("http://127.0.0.1:1", httpx.MockTransport(answer)), Options())
    assert capsys.readouterr().out.count("Stopped.") == 3
    assert [stream.closed for stream in streams] == [True] * 3
    assert conversations[0] == conversations[1] != conversations[2]
