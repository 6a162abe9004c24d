from __future__ import annotations

import gc
from collections.abc import Mapping

import pytest

from api import server
from api.readiness import PartStatus


class _Started:
    def parts(self) -> Mapping[str, PartStatus]:
        return {"search": PartStatus("ready", "ready")}


def test_what_was_loaded_is_not_looked_through_for_garbage_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert gc.get_freeze_count() == 0
    try:
        server._see_it_start(_Started())  # type: ignore[arg-type]  # only what is looked at
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
    assert capsys.readouterr().out == "  search: ready\n"
