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
        from api import server  # loads the libraries of the service, and settings may be wrong

        server.serve(settings)
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
        return 1
    return 0
