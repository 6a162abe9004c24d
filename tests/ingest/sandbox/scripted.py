"""Children that run a script instead of a parser, to see what the parent makes of one gone wrong.

The script is what the document is called; descriptors 0, 1 and 2 are the file, the answers and stderr.
"""

from __future__ import annotations

from ingest.sandbox.launching import ForkServer, FreshProcess

_RUN = "import json, os, resource, signal, sys, time\ndef run(task): exec(task['name'], globals())\n"
_FRESH = _RUN + "run(json.loads(sys.argv[-1]))"
_FORKED = _RUN + "from ingest.sandbox import server\nserver.serve(int(sys.argv[-1]), run)"


def fresh() -> FreshProcess:
    return FreshProcess(["-I", "-c", _FRESH])


def forked(*, no_room: bool = False) -> ForkServer:
    """``no_room``: on a machine that has none for another process."""
    full = "import os\ndef full(): raise BlockingIOError(11, 'no room')\nos.fork = full\n"
    return ForkServer(["-I", "-c", full * no_room + _FORKED])
