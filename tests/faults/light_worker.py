"""``python -m tests.faults.light_worker``: the ingest worker, only that its models weigh nothing."""

from __future__ import annotations

import os
import sys

from tests.faults import clock, light_models

if __name__ == "__main__":
    clock.install()
    light_models.install()
    from ingest import worker

    status = worker.main()
    sys.stdout.flush()
    os._exit(status)
