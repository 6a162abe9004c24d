"""llama-cpp-python behind OpenAI's chat completions: another program's server, for tests and benchmarks.

Its own ``llama_cpp.server`` needs packages that are not installed here. This does what that one does with one
model: ``Llama.create_chat_completion`` behind a lock, whole or streamed, on Starlette and uvicorn.
``python -m tests.llama_cpp_server [--model FILE] [--threads N] [--port N]`` prints its address and serves.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from llama_cpp import Llama
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from rag.models.locations import default_model_path

CONTEXT = 2048
_TAKEN = ("messages", "max_tokens", "temperature", "top_p", "stop", "seed")


class ModelApp:
    """The application; ``seen`` are the requests it got, without their texts' layout."""

    def __init__(self, path: Path, threads: int) -> None:
        self._name = path.stem
        self._model = Llama(
            str(path), n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False
        )
        self._lock = threading.Lock()
        self.seen: list[dict[str, Any]] = []
        self.running = 0
        routes = [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": self._name, "object": "model"}]})

    async def _complete(self, request: Request) -> Response:
        wanted = await request.json()
        self.seen.append(wanted)
        taken = {name: wanted[name] for name in _TAKEN if name in wanted}
        if not wanted.get("stream"):
            return JSONResponse(await run_in_threadpool(self._whole, taken))
        return StreamingResponse(self._events(request, taken), media_type="text/event-stream")

    def _whole(self, taken: dict[str, Any]) -> Any:
        with self._lock:
            return self._model.create_chat_completion(**taken)

    async def _events(self, request: Request, taken: dict[str, Any]) -> AsyncIterator[str]:
        chunks = self._chunks(taken)
        async for chunk in iterate_in_threadpool(chunks):
            yield f"data: {json.dumps(chunk)}\n\n"
            if await request.is_disconnected():
                chunks.close()
                return
        yield "data: [DONE]\n\n"

    def _chunks(self, taken: dict[str, Any]) -> Generator[Any, None, None]:
        with self._lock:
            self.running += 1
            try:
                yield from self._model.create_chat_completion(**taken, stream=True)
            finally:
                self.running -= 1


@contextmanager
def running(app: Any) -> Iterator[str]:
    """An application on a free port of 127.0.0.1, in a thread; its base address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        listening.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=default_model_path())
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    listening = socket.create_server(("127.0.0.1", arguments.port))
    app = ModelApp(arguments.model, arguments.threads).app
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
