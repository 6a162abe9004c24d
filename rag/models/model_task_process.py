"""What is done with a model file besides serving it, in a process of its own:
``python -I -m rag.models.model_task_process FD PARENT``.

llama.cpp aborts on some damaged files, and memory that a model took is only given back by the end of its
process. Messages come and go as JSON lines over the inherited socket ``FD``, one task at a time; each is
answered by ``done`` or ``failed``. The process ends when its parent hangs up.

Tasks: ``check``, ``quantize``, ``compare``, ``load`` and, after that, ``round``.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as native

from rag.errors import FootnoteError
from rag.models.engine import Engine
from rag.models.forms import of_number
from rag.models.generation import GeneratorSettings
from rag.models.model_comparison import compare
from rag.models.model_rounds import one_round, peak_mebibytes
from rag.models.quantizing import quantize
from rag.models.wire import LineBuffer, WireMessage, encode_line
from rag.observability import process

_TRIAL_CONTEXT = 256


class _Tasks:
    """The tasks by name; what ``load`` loaded is what ``round`` measures."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def do(self, message: WireMessage) -> dict[str, Any]:
        match message["type"]:
            case "check":
                return _described(Path(message["path"]))
            case "quantize":
                source, target = Path(message["source"]), Path(message["target"])
                quantize(source, target, message["form"], message["threads"])
                return {"bytes": target.stat().st_size}
            case "compare":
                return compare(Path(message["reference"]), Path(message["candidate"]), message["threads"])
            case "load":
                self._engine = Engine(Path(message["path"]), GeneratorSettings(**message["settings"]))
                return {"memory_mib": peak_mebibytes()}
            case "round" if self._engine:
                measured = one_round(self._engine, message["number"], message["parallel"])
                return measured | {"memory_mib": peak_mebibytes()}
        raise SystemExit(f"no such task now: {message['type']}")


def _described(path: Path) -> dict[str, Any]:
    """What the file says of itself, once it has computed something."""
    engine = Engine(path, GeneratorSettings(context=_TRIAL_CONTEXT, parallel=1))
    model = engine.model
    return {
        "name": model.metadata("general.name") or "",
        "architecture": model.metadata("general.architecture") or "",
        "licence": model.metadata("general.license") or "",
        "form": of_number(model.metadata("general.file_type")),
        "parameters": int(native.llama_model_n_params(model.handle)),
        "trained_context": model.trained_context,
        "chat_format": engine.chat_format.name,
    }


def _read(connection: socket.socket, inbox: queue.SimpleQueue[WireMessage]) -> None:
    lines = LineBuffer()
    with contextlib.suppress(OSError):  # broken off counts as closed
        while data := connection.recv(1 << 16):
            for message in lines.feed(data):
                inbox.put(message)
    os._exit(0)  # the parent has gone; llama.cpp cannot be interrupted politely


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then hangs up
    process.enter("models", may_trace=False, relayed=True)
    inbox: queue.SimpleQueue[WireMessage] = queue.SimpleQueue()
    tasks = _Tasks()
    with socket.socket(fileno=int(arguments[0])) as connection:
        threading.Thread(target=_read, args=(connection, inbox), name="reader", daemon=True).start()
        while True:
            try:
                answer = {"type": "done", **tasks.do(inbox.get())}
            except FootnoteError as error:
                kind = type(error).__name__
                answer = {"type": "failed", "kind": kind, "code": error.code, "detail": error.detail}
            connection.sendall(encode_line(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
