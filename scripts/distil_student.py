"""Makes the static student of the packaged embedder where it is missing; half a minute on two cores.

The service would do it at its first start: better during set-up than while somebody waits.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from rag.models.distillation import distil_if_missing
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_models_folder


def main() -> None:
    started = time.monotonic()
    folder = Path(os.environ.get("FOOTNOTE_MODELS") or default_models_folder()).expanduser()
    student = distil_if_missing(folder, embeddings_at(None, os.cpu_count()))
    seconds = time.monotonic() - started
    print(f"{folder}: {student.space_id[:12]}, fidelity {student.fidelity:.3f}, {seconds:.1f} s")


if __name__ == "__main__":
    main()
