"""``python -m tests.faults.light_service``: ``footnote serve``, only that its models weigh nothing."""

from __future__ import annotations

import os
import sys
from typing import Any

from tests.faults import clock, light_models

_WORKER = "ingest.worker"
_LIGHT_WORKER = "tests.faults.light_worker"


def main() -> int:
    clock.install()
    light_models.install()
    from api import assembly, server, settings

    real_command: Any = assembly._worker_command

    def light_command(*arguments: Any) -> list[str]:
        command = list(real_command(*arguments))
        command[command.index(_WORKER)] = _LIGHT_WORKER
        return command

    setattr(assembly, "_worker_command", light_command)  # noqa: B010  # a plain assignment has other types
    from rag.errors import FootnoteError

    try:
        server.serve(settings.load(os.environ, {}))
    except FootnoteError as error:
        print(f"footnote: {error.code}: {error.detail}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
