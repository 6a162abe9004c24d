"""A service on a disk without a byte left, as its clients see it."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults import oracle, texts
from tests.faults.ledger import only_word
from tests.faults.over_rest import Client
from tests.faults.service import FaultyService

_ROOMY = 64 * 2**20


class Disk:
    """A file system of its own at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={_ROOMY}", "none", str(path))

    def fill(self) -> None:
        found = os.statvfs(self.path)
        self._resize((found.f_blocks - found.f_bfree) * found.f_frsize)

    def widen(self) -> None:
        self._resize(_ROOMY)

    def _resize(self, size: int) -> None:
        self._mount("-o", f"remount,size={size}", str(self.path))

    def _mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        made = Disk(tmp_path / "data")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield made
    with suppress(OSError):
        subprocess.run(["umount", "--lazy", str(made.path)], check=False)


@pytest.mark.slow
def test_a_full_disk_refuses_uploads_and_nothing_else(tmp_path: Path, disk: Disk) -> None:
    chance = random.Random(1)
    with FaultyService(tmp_path, disk.path) as service:
        service.start()
        with service.client() as http:
            client = Client(http)
            known = [texts.make(chance) for _ in range(3)]
            ids = [client.upload(text, f"k{at}").json()["document"]["id"] for at, text in enumerate(known)]
            client.wait_until_idle()
            disk.fill()
            for number, more in enumerate((0, 3_000_000)):  # the second does not fit into memory either
                refused = client.upload(texts.make(chance) + " pier" * more, f"more-{number}")
                assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
            answer = client.ask(only_word(known[0])).json()
            assert answer["status"] == "answered"
            assert "answer_not_kept" in [note["code"] for note in answer["notes"]]
            assert client.found(only_word(known[1]))[:1] == [ids[1]]
            assert client.delete(ids[2]).status_code == 204
            disk.widen()
            again = texts.make(chance)
            document = client.upload(again, "again").json()["document"]["id"]
            client.wait_until_idle()
            assert client.found(only_word(again))[:1] == [document], "without a restart"
            kept = client.ask(only_word(again)).json()
            assert client.answer(kept["id"]).status_code == 200
        assert service.stop() == 0
        assert oracle.folder(disk.path) == []
        assert list((disk.path / "uploads").iterdir()) == []
