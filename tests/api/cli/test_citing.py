from __future__ import annotations

import pytest

from api.cli.citing import Numbered, Place, read
from rag.errors import BadRequest


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2", Numbered(None, 2)),
        ("[2]", Numbered(None, 2)),
        ("ans_abc", Numbered("ans_abc", 1)),
        (" ans_abc:12 ", Numbered("ans_abc", 12)),
        ("ans_abc[3]", None),
        ("doc_abc:120-180", Place("doc_abc", 120, 180)),
        ("doc_abc@2:120–180", Place("doc_abc", 120, 180, 2)),
        ("doc_abc:180-120", None),
        ("doc_abc", None),
        ("", None),
        ("../2", None),
    ],
)
def test_what_people_write(written: str, meant: Numbered | Place | None) -> None:
    if meant is None:
        with pytest.raises(BadRequest, match="bad_citation"):
            read(written)
    else:
        assert read(written) == meant
