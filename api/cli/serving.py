"""``footnote serve``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from api.settings import load
from rag.errors import FootnoteError


def serve(overrides: Mapping[str, Any]) -> int:
    """Run the service; returns the exit status."""
    try:
        settings = load(os.environ, overrides)
        # Threads that spin while they wait for work starve whoever has some: with two cores in use,
        # embedding a question took 540 ms instead of 20. Read once, when the libraries are loaded.
        os.environ["OMP_WAIT_POLICY"] = "passive"
        from api import server  # loads the libraries of the service, and settings may be wrong
        from rag.privacy import disable_tracing

        disable_tracing()
        server.serve(settings)
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
        return 1
    return 0
