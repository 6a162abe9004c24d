"""A process for what is done with model files besides serving them, from its parent's side."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rag.errors import BadRequest, FootnoteError, StorageFailed, Unavailable
from rag.models import gguf
from rag.models.child import ChildProcess
from rag.models.wire import WireMessage

PATIENCE_S = 600.0
"""For one task; quantizing writes some hundred megabytes a second at worst."""

_ERRORS: dict[str, type[FootnoteError]] = {
    "BadRequest": BadRequest,
    "StorageFailed": StorageFailed,
    "Unavailable": Unavailable,
}


class ModelTask:
    """One process for tasks one after the other (see ``model_task_process``). Not thread safe.

    A task that crashes or takes longer than ``PATIENCE_S`` takes the process with it, and nothing else.
    """

    def __init__(self) -> None:
        self._child = ChildProcess("rag.models.model_task_process")
        self._asked = time.monotonic()
        self._answers = self._child.messages(lambda _: time.monotonic() - self._asked > PATIENCE_S)

    def do(self, task: str, about: Path, **arguments: Any) -> WireMessage:
        """Have a task done and wait for what it says; ``about`` is the file to name if it goes wrong.

        Raises:
            BadRequest, StorageFailed, Unavailable: what the task raised; ``model_unusable`` when its process
                died of it.
        """
        self._asked = time.monotonic()
        self._child.send({"type": task, **arguments})
        answer = next(self._answers, None)
        if answer is None:
            raise gguf.unusable(f"llama.cpp gave up on {about.name}, which is damaged or too large")
        if answer["type"] == "failed":
            raise _ERRORS.get(answer["kind"], Unavailable)(answer["code"], answer["detail"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.close()
        self._child.wait()


def check(path: Path) -> dict[str, Any]:
    """What a GGUF file says of itself, once llama.cpp has loaded it and computed something with it.

    ``name``, ``architecture``, ``licence`` and ``form`` are empty where the file does not say.

    Raises:
        Unavailable: ``model_unusable``.
    """
    gguf.check_header(path)
    with ModelTask() as task:
        answer = task.do("check", path, path=str(path))
    return {key: value for key, value in answer.items() if key != "type"}
