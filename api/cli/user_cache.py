"""Where the command line keeps what it can do without: a user's cache folder, as the platform has it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache() -> Path:
    """``$XDG_CACHE_HOME/footnote``, or where that is not set ``~/.cache`` or ``~/Library/Caches``."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen and os.path.isabs(chosen):
        return Path(chosen) / "footnote"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "footnote"
