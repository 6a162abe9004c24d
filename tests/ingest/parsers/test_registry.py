from __future__ import annotations

import io
from importlib import import_module

import pytest

from ingest import parsers, sniffing
from ingest.parsers.limits import ParseLimits


@pytest.mark.parametrize("media_type", sorted(sniffing.SUPPORTED))
def test_every_kind_that_is_recognised_has_a_parser(media_type: str) -> None:
    module = import_module(parsers._MODULES[media_type])
    assert callable(module.parse)
    assert callable(getattr(module, "members", None)) is (media_type in parsers._CONTAINERS)


def test_formats_that_hold_no_documents_have_no_members() -> None:
    assert list(parsers.members(io.BytesIO(b"some text"), "a.txt", ParseLimits())) == []
