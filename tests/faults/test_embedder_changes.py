"""A service goes over to another embedder and back, is killed on the way, and never mixes two spaces."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pysqlite3
import pytest

from rag.stores import consistency
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from tests.faults import texts
from tests.faults.ledger import only_word
from tests.faults.light_models import TEACHER
from tests.faults.over_rest import Client
from tests.faults.service import FaultyService

DOCUMENTS = 30
_PATIENCE_SECONDS = 60.0
_STUDENTS = "(SELECT id FROM spaces WHERE teacher_id IS NOT NULL)"


class Library:
    """A light service over a folder, and what it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chance = random.Random(5)
        self.texts: dict[str, str] = {}
        self.service = FaultyService(folder)

    def start(self, embedder: Path | None = None) -> None:
        """With FOOTNOTE_EMBEDDER naming a folder, as a new process."""
        if self.service._processes:
            self.service.stop()
        self.service._variables = {} if embedder is None else {"FOOTNOTE_EMBEDDER": str(embedder)}
        self.service.start()

    def add(self, count: int) -> None:
        with self.service.client() as http:
            for _ in range(count):
                text = texts.make(self.chance)
                answer = Client(http).upload(text, only_word(text))
                self.texts[answer.json()["document"]["id"]] = text
            Client(http).wait_until_idle()

    def remove(self, count: int) -> None:
        with self.service.client() as http:
            for document_id in list(self.texts)[:count]:
                assert Client(http).delete(document_id).status_code == 204
                del self.texts[document_id]

    def embedder(self) -> dict[str, Any]:
        with self.service.client() as http:
            told: dict[str, Any] = http.get("/v1/embedder").json()
            return told

    def post(self, action: str, **body: Any) -> httpx.Response:
        with self.service.client() as http:
            if action == "migrate":
                return http.post("/v1/embedder/migrate", json=body)
            return http.post(f"/v1/embedder/{action}")

    def until(self, serving: str) -> dict[str, Any]:
        """Wait until a model serves and no migration goes on."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            told = self.embedder()
            if told["migration"] is None and told["serving"]["name"] == serving:
                return told
            time.sleep(0.05)
        raise AssertionError(f"{told}\n{self.service.log()}")

    def not_found(self) -> list[str]:
        """Documents that a search by meaning alone does not bring first by their own text."""
        missing = []
        with self.service.client() as http:
            for document_id, text in self.texts.items():
                wanted = {"query": text, "k": 1, "mode": "dense"}
                hits = http.post("/v1/search", json=wanted).json()["hits"]
                if [hit["document"]["id"] for hit in hits] != [document_id]:
                    missing.append(document_id)
        return missing

    def vectors(self) -> dict[str, int]:
        """How many each model has, its student's included, by the model's name."""
        with closing(pysqlite3.connect(self.folder / "data/footnote.db")) as raw:
            rows = raw.execute(
                "SELECT e.name, count(v.id) FROM embedders e JOIN spaces s "
                "ON s.id = e.space_id OR s.teacher_id = e.space_id "
                "LEFT JOIN vectors v ON v.space_id = s.id GROUP BY e.name"
            ).fetchall()
        return dict(rows)

    def passages(self) -> int:
        with closing(pysqlite3.connect(self.folder / "data/footnote.db")) as raw:
            return int(raw.execute("SELECT count(*) FROM chunks").fetchone()[0])

    def findings(self) -> list[str]:
        """What ``footnote fsck`` finds, the service being stopped."""
        self.service.stop()
        data = self.folder / "data"
        database = Database(data / "footnote.db")
        report = consistency.check(database, BlobStore(data / "blobs"), data / "indexes")
        database.close()
        return [f"{one.code}: {one.detail}" for one in report.findings if one.code != "files_unreferenced"]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path)
    with library.service:
        yield library


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other-400"
    folder.mkdir()
    return folder


OLD, NEW = TEACHER.identity.name, "other-400"


@pytest.mark.slow
def test_over_and_back_with_documents_coming_and_going(library: Library, other: Path) -> None:
    library.start()
    library.add(DOCUMENTS)
    library.start(other)
    told = library.embedder()
    assert (told["serving"]["name"], told["refused"]["name"]) == (OLD, NEW)
    with library.service.client() as http:
        phase = http.get("/readyz").json()["parts"]["search"]["phase"]
    assert "embedding_model_changed" in phase
    assert "footnote embedder migrate" in phase
    assert library.not_found() == []

    assert library.post("migrate").status_code == 202
    library.add(3)
    library.remove(3)
    told = library.until(NEW)
    assert (told["refused"], told["previous"]["name"]) == (None, OLD)
    assert told["figures"]["after"]["first"] >= 0.9
    assert told["notes"], "it says that thresholds were fitted with another model"
    assert library.not_found() == []
    library.add(4)
    assert library.not_found() == []

    assert library.post("back").status_code == 202
    told = library.until(OLD)
    assert told["previous"]["name"] == NEW
    assert library.not_found() == []
    library.remove(2)
    assert library.post("finish").status_code == 202
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while library.vectors() != {OLD: library.passages()}:
        assert time.monotonic() < deadline, library.vectors()
        time.sleep(0.1)
    assert library.not_found() == []
    assert library.findings() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_on_the_way_it_goes_on(library: Library, other: Path, seed: int) -> None:
    chance = random.Random(seed)
    library.start()
    library.add(DOCUMENTS)
    library.start(other)
    assert library.post("migrate").status_code == 202
    for _ in range(3):
        time.sleep(chance.uniform(0.0, 2.0))
        if chance.random() < 0.5:
            library.service.kill("worker")
        else:
            library.service.kill()
            library.service.start()
        library.add(1)
        library.remove(1)
    library.until(NEW)
    assert library.not_found() == []
    assert library.findings() == []


@pytest.mark.slow
def test_without_its_own_model_nothing_is_searched_but_all_is_readable(library: Library, other: Path) -> None:
    library.start(other)
    library.add(5)
    gone = other.rename(other.with_name("elsewhere"))
    library.service.stop()
    library.service._variables = {}
    library.service.spawn()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with httpx.Client(trust_env=False, timeout=5.0) as probe:
        while True:  # it is up, and will never be ready
            library.service._is_ready(probe)
            if library.service.address:
                parts = probe.get(f"{library.service.address}/readyz").json()["parts"]
                if parts["search"]["state"] == "failed":
                    break
            assert time.monotonic() < deadline, library.service.log()
            time.sleep(0.05)
    with library.service.client() as http:
        refused = http.post("/v1/search", json={"query": "harbour"})
        assert (refused.status_code, refused.json()["code"]) == (409, "embedding_model_changed")
        document_id = next(iter(library.texts))
        assert Client(http).text(document_id) == library.texts[document_id]
    assert library.post("migrate").status_code == 202
    told = library.until(OLD)
    assert told["figures"]["before"] is None
    assert library.not_found() == []
    gone.rename(other)
    assert library.findings() == []


@pytest.mark.slow
def test_a_worse_model_is_refused_unless_forced(library: Library, tmp_path: Path) -> None:
    worse = tmp_path / "worse-2"
    worse.mkdir()
    library.start()
    library.add(DOCUMENTS)
    library.start(worse)
    assert library.post("migrate").status_code == 202
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (told := library.embedder())["migration"]["state"] != "stopped":
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    assert told["migration"]["trouble"]["code"] == "embedder_worse"
    assert told["serving"]["name"] == OLD
    assert library.not_found() == []
    assert library.post("migrate", force=True).status_code == 202
    assert library.until("worse-2")["previous"]["name"] == OLD
    assert library.post("back").status_code == 202
    library.until(OLD)
    assert library.not_found() == []
    assert library.findings() == []
