"""Long runs of a few characters are read in time that grows with their length, not with its square.

Not a clock but the limit on processor time decides: a step for every pair of ``SIZE`` characters, even
inside a regular expression, takes longer than the limit allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import ParseServer
from ingest.splitting import split
from rag.errors import FootnoteError
from rag.models.locations import default_embedder_path
from rag.models.tokenizer import OffsetTokenizer
from rag.records import ParsedDocument
from tests.ingest.hostile.long_runs import NAMES, RUNS, text

SIZE = 250_000
LIMITS = ParseLimits(cpu_seconds=8)
TOKENIZER = OffsetTokenizer(default_embedder_path())


@pytest.fixture(scope="module")
def server() -> Iterator[ParseServer]:
    with ParseServer() as server:
        yield server


class Unread(Exception):
    """The text was refused for what it says, not for what it costs."""


def read_within_limits(server: ParseServer, path: Path, name: str) -> ParsedDocument:
    try:
        return server.parse_file(path, name, LIMITS)
    except FootnoteError as error:
        if "passed the limit on" in error.detail:
            raise
        raise Unread from error


@pytest.mark.parametrize(
    "run", ["letters", "spaces", "open brackets apart", "pipes", "pictures", "combining marks"]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_long_run_is_read_within_the_limits(
    tmp_path: Path, server: ParseServer, name: str, run: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(text(RUNS[run], name, SIZE))
    with suppress(Unread):
        parsed = read_within_limits(server, path, name)
        if name in ("a.txt", "a.py"):
            chunks = split(parsed, TOKENIZER, title="A long run")
            assert sum(chunk.end - chunk.start for chunk in chunks) <= len(parsed.text)
