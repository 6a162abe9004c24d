from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select

from ingest import embedder_check, migrator, pipeline
from ingest.embedder_check import Figures, Found, judged
from ingest.embedder_choice import choose, described
from ingest.migrator import Migrator
from ingest.pipeline import Tools
from rag.errors import Unavailable
from rag.models.embedder import Embedder, Vectors
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_embedder_path
from rag.models.tokenizer import OffsetTokenizer
from rag.records import Chunk, DocumentState, JobState, ParsedDocument
from rag.stores import chunk_store, consistency, embedders, job_queue
from rag.stores.tables import chunks
from tests.faults.light_models import TEACHER, LightEmbedder
from tests.ingest.workplace import GivenReader, Workplace, claimed
from tests.rag.models import small_embedders

PASSAGES = 24
NEW = LightEmbedder("new", 400)
FOLDER = Path("/models/new")


class Interrupted(BaseException):
    """The worker is killed here."""


@pytest.fixture
def served(workplace: Workplace) -> Workplace:
    """A library of the light teacher's, with a document of ``PASSAGES`` passages."""
    with workplace.database.write() as tx:
        embedders.serve_from(tx, described(TEACHER, None))
    _publish(workplace, PASSAGES)
    return workplace


def _publish(workplace: Workplace, count: int, embedder: Embedder = TEACHER) -> None:
    random = np.random.default_rng(count)
    words = [f"w{number}" for number in range(400)]
    texts = [f"{' '.join(random.choice(words, 12))}." for _ in range(count)]
    body, pieces = "\n\n".join(texts), []
    at = 0
    for text in texts:
        pieces.append(Chunk(at, at + len(text), "", 12))
        at += len(text) + 2
    workplace.accept(body.encode(), f"{count}.txt")
    job = claimed(workplace)
    with workplace.database.write() as tx:
        chunk_store.publish(
            tx,
            version_id=job.version_id,
            parsed=ParsedDocument(body, "text/plain"),
            pieces=pieces,
            embedded=embedder.encode(texts),
            space_id=chunk_store.open_space(tx, embedder.space_id, embedder.dimension),
            state=DocumentState.REFINED,
        )
        job_queue.succeed(tx, job)


def _migrator(
    workplace: Workplace, new: Embedder = NEW, serving: Embedder | None = TEACHER, **changed: object
) -> Migrator:
    given = {
        "models": workplace.folder / "models",
        "indexes": workplace.folder / "indexes",
        "opening": lambda _folder: new,
        "distilling": lambda *_: None,
    }
    return Migrator(workplace.database, serving, **{**given, **changed})  # type: ignore[arg-type]


def _begin(workplace: Workplace, new: Embedder = NEW, *, forced: bool = False) -> int:
    with workplace.database.write() as tx:
        embedders.begin(tx, described(new, FOLDER), forced=forced)
        target = embedders.standing(tx).target
    assert target is not None
    return target.space_id


def _standing(workplace: Workplace) -> embedders.Standing:
    with workplace.database.read() as tx:
        return embedders.standing(tx)


def _counts(workplace: Workplace, space: int) -> tuple[int, int]:
    with workplace.database.read() as tx:
        return embedders.counts(tx, space)


def _clean(workplace: Workplace) -> bool:
    report = consistency.check(workplace.database, workplace.blobs, workplace.folder / "none")
    return report.clean


def _always() -> bool:
    return True


def test_without_a_migration_there_is_nothing_to_do(served: Workplace) -> None:
    assert not _migrator(served).migrate_some(_always)


def test_the_space_is_filled_checked_and_then_left_to_the_api(
    served: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrator, "WINDOW", 10)
    monkeypatch.setattr(migrator, "BATCH", 4)
    distilled: list[str] = []
    space = _begin(served)
    working = _migrator(served, distilling=lambda _folder, teacher, _on: distilled.append(teacher.space_id))
    assert not _switched(served, space)
    done = []
    while working.migrate_some(_always):
        done.append(_counts(served, space)[0])
    assert done[:3] == [10, 20, 24]
    assert distilled == [NEW.space_id]
    standing = _standing(served)
    assert standing.trouble is None
    assert standing.figures is not None
    assert standing.figures["questions"] == PASSAGES
    assert standing.figures["after"]["first"] == 1.0
    with served.database.read() as tx:
        ids, stored = chunk_store.vectors_between(tx, space, 1, 1000)
        said = chunk_store.said(tx, ids.tolist())
    assert np.allclose(stored, NEW.encode([body for _, _, body in said]), atol=1e-6)
    assert _switched(served, space)
    assert _clean(served)


def _switched(workplace: Workplace, space: int) -> bool:
    with workplace.database.write() as tx:
        return embedders.switch(tx, space)


def test_killed_at_any_step_another_worker_goes_on(
    served: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look for something more urgent and every commit is a place to die; one is tried after the other,
    by a new worker each time, until nobody dies any more."""
    monkeypatch.setattr(migrator, "WINDOW", 6)
    monkeypatch.setattr(migrator, "BATCH", 3)
    space = _begin(served)
    deaths, step = 0, 0
    while True:
        step += 1
        try:
            _work(served, die_at=step)
        except Interrupted:
            deaths += 1
            assert _clean(served)
            continue
        break
    assert deaths >= 8
    assert _counts(served, space) == (PASSAGES, PASSAGES)
    assert _switched(served, space)
    assert _clean(served)


def _work(workplace: Workplace, die_at: int) -> None:
    steps = 0

    def attend() -> bool:
        nonlocal steps
        steps += 1
        if steps == die_at:
            raise Interrupted
        return True

    working = _migrator(workplace, opening=lambda _folder: _Mortal(attend))
    while working.migrate_some(attend):
        attend()


class _Mortal(LightEmbedder):
    """The new model, in a process that may be killed while it computes."""

    def __init__(self, attend: Callable[[], bool]) -> None:
        super().__init__("new", 400)
        self._attend = attend

    def encode(self, texts: Sequence[str]) -> Vectors:
        self._attend()
        return super().encode(texts)


def test_what_is_more_urgent_goes_first_and_the_window_is_given_up(
    served: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrator, "BATCH", 4)
    space = _begin(served)
    assert _migrator(served).migrate_some(lambda: False)
    assert _counts(served, space) == (0, PASSAGES)


def test_documents_that_come_and_go_meanwhile(served: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrator, "WINDOW", 10)
    space = _begin(served)
    working = _migrator(served)
    working.migrate_some(_always)
    _publish(served, 5)
    with served.database.write() as tx:
        chunk_store.withdraw(tx, 1)
    while working.migrate_some(_always):
        pass
    assert _counts(served, space) == (5, 5)
    assert _switched(served, space)
    assert _clean(served)


class _Broken(LightEmbedder):
    def __init__(self, rows: Callable[[int], NDArray[np.float32]]) -> None:
        super().__init__("new", 400)
        self._rows = rows

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self._rows(len(texts))


BROKEN = {
    "NaN": lambda n: np.full((n, 400), np.nan, dtype=np.float32),
    "Inf": lambda n: np.full((n, 400), np.inf, dtype=np.float32),
    "zero": lambda n: np.zeros((n, 400), dtype=np.float32),
    "denormal": lambda n: np.full((n, 400), 1e-42, dtype=np.float32),
    "another length": lambda n: np.eye(n, 7, dtype=np.float32),
    "too few": lambda n: np.eye(n - 1, 400, dtype=np.float32),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_vectors_that_cannot_be_searched_stop_it_and_none_is_stored(served: Workplace, kind: str) -> None:
    space = _begin(served)
    working = _migrator(served, _Broken(BROKEN[kind]))
    assert working.migrate_some(_always)
    trouble = _standing(served).trouble
    assert trouble is not None
    assert trouble.code == "bad_embedding"
    assert _counts(served, space)[0] == 0
    assert not working.migrate_some(_always), "it waits for somebody"
    _begin(served)
    assert _migrator(served).migrate_some(_always), "asked for again it is tried again"
    assert _counts(served, space)[0] == PASSAGES


def test_another_model_in_the_same_place_is_not_taken_for_it(served: Workplace) -> None:
    space = _begin(served)
    assert _migrator(served, LightEmbedder("somebody else's", 400)).migrate_some(_always)
    trouble = _standing(served).trouble
    assert trouble is not None
    assert trouble.code == "model_unusable"
    assert _counts(served, space)[0] == 0


def test_a_full_disk_is_not_the_models_fault(served: Workplace) -> None:
    _begin(served)

    def distil(*_: object) -> None:
        raise Unavailable("disk_full", "The disk is full.")

    working = _migrator(served, distilling=distil)
    working.migrate_some(_always)
    with pytest.raises(Unavailable):
        working.migrate_some(_always)
    assert _standing(served).trouble is None


def test_a_clearly_worse_model_is_refused_unless_it_is_forced(served: Workplace) -> None:
    worse = LightEmbedder("worse", 1)
    space = _begin(served, worse)
    working = _migrator(served, worse)
    while working.migrate_some(_always):
        pass
    trouble = _standing(served).trouble
    assert trouble is not None
    assert trouble.code == "embedder_worse"
    assert not _switched(served, space)
    _begin(served, worse, forced=True)
    while working.migrate_some(_always):
        pass
    assert _switched(served, space)


def test_without_the_present_model_the_new_one_stands_alone(served: Workplace) -> None:
    space = _begin(served)
    working = _migrator(served, serving=None)
    while working.migrate_some(_always):
        pass
    standing = _standing(served)
    assert standing.figures is not None
    assert standing.figures["before"] is None
    assert standing.trouble is None
    assert _switched(served, space)


@pytest.mark.parametrize(
    ("figures", "refused"),
    [
        (Figures(0, Found(0, 0), Found(0, 0)), False),
        (Figures(200, Found(0.97, 1), Found(0.99, 1), -0.02, -0.04, 0.0, 0.02), False),
        (Figures(200, Found(0.90, 1), Found(0.93, 1), -0.03, -0.08, 0.01, 0.2), False),
        (Figures(200, Found(0.80, 1), Found(0.99, 1), -0.19, -0.25, -0.1, 0.001), True),
        (Figures(200, Found(0.99, 1), Found(0.80, 1), 0.19, 0.1, 0.25, 0.001), False),
        (Figures(200, Found(0.10, 1)), True),
        (Figures(4, Found(0.25, 1)), False),
        (Figures(200, Found(0.90, 1)), False),
    ],
)
def test_only_what_is_clearly_worse_speaks_against_it(figures: Figures, refused: bool) -> None:
    assert (judged(figures) is not None) == refused


def test_a_job_of_the_former_model_is_left_to_the_next_worker(served: Workplace) -> None:
    """It was being read while another model took over: nothing of it may come into the former space."""
    space = _begin(served, forced=True)
    working = _migrator(served)
    while working.migrate_some(_always):
        pass
    accepted = served.accept(b"A late document of some words.", "late.txt")
    job = claimed(served)
    assert _switched(served, space)
    tools = Tools(
        database=served.database,
        blobs=served.blobs,
        student=TEACHER,
        tokenizer=OffsetTokenizer(default_embedder_path()),
        max_tokens=256,
        reader=GivenReader(lambda *_: ParsedDocument("A late document of some words.", "text/plain")),
    )
    pipeline.run(job, tools)
    assert (served.job(accepted).state, served.job(accepted).attempts) == (JobState.QUEUED, 0)
    pipeline.run(claimed(served), replace(tools, student=NEW))
    assert served.job(accepted).state is JobState.SUCCEEDED
    assert _clean(served)


def test_given_up_its_vectors_and_its_snapshot_go(served: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrator, "_DROPPED_AT_ONCE", 10)
    space = _begin(served)
    working = _migrator(served)
    working.migrate_some(_always)
    snapshot = served.folder / "indexes" / NEW.space_id[:16]
    snapshot.mkdir(parents=True)
    with served.database.write() as tx:
        embedders.go_back(tx)
    assert _counts(served, space)[0] == PASSAGES
    while working.migrate_some(_always):
        pass
    assert _counts(served, space)[0] == 0
    assert not snapshot.exists()
    assert _clean(served)


def test_real_models_of_other_dimension_and_shorter_reach(
    workplace: Workplace, teacher: Embedder, tmp_path: Path
) -> None:
    """384 numbers and 256 tokens at a time against 96 and 64: nothing of a long passage is left unread."""
    folder = small_embedders.narrow(tmp_path / "narrow")
    new = embeddings_at(folder, 2)
    subjects = ["the tower", "a ferry", "the mill", "an orchard", "the archive", "a bakery"]
    ends = ["kept the lantern of the northern cape alight all winter.", "sold rye bread to the crews."]
    long = [" ".join(f"{subject.capitalize()} {end}" for end in ends * 12) for subject in subjects]
    tail = " At the very end of it a purple walrus is mentioned."
    long[3] += tail
    body, pieces, at = "\n\n".join(long), [], 0
    for text in long:
        pieces.append(Chunk(at, at + len(text), "", 250))
        at += len(text) + 2
    with workplace.database.write() as tx:
        embedders.serve_from(tx, described(teacher, None))
    workplace.accept(body.encode(), "long.txt")
    job = claimed(workplace)
    with workplace.database.write() as tx:
        chunk_store.publish(
            tx,
            version_id=job.version_id,
            parsed=ParsedDocument(body, "text/plain"),
            pieces=pieces,
            embedded=teacher.encode(long),
            space_id=chunk_store.open_space(tx, teacher.space_id, teacher.dimension),
            state=DocumentState.REFINED,
        )
        job_queue.succeed(tx, job)
    with workplace.database.write() as tx:
        embedders.begin(tx, described(new, folder))
        target = embedders.standing(tx).target
    assert target is not None
    working = _migrator(workplace, serving=teacher, opening=lambda path: embeddings_at(path, 2))
    while working.migrate_some(_always):
        pass
    standing = _standing(workplace)
    assert standing.trouble is None
    assert standing.figures is not None
    assert standing.figures["before"] is not None
    with workplace.database.read() as tx:
        rows = chunk_store.vectors_between(tx, target.space_id, 1, 100)[1]
    assert rows.shape == (6, 96)
    cut = new.encode(long)
    assert float(rows[3] @ cut[3]) < 0.999, "what the model would make of the first 64 tokens"
    assert float(rows[3] @ new.encode([tail])[0]) > float(cut[3] @ new.encode([tail])[0])
    assert _switched(workplace, target.space_id)
    assert _clean(workplace)
    chosen = choose(workplace.database, None)
    assert (chosen.folder, chosen.model.dimension, chosen.refused) == (folder, 96, None)
    described_again = choose(workplace.database, default_embedder_path())
    assert described_again.refused is not None
    assert described_again.refused.key == teacher.space_id


def test_the_sample_is_of_passages_with_sentences(served: Workplace) -> None:
    with served.database.read() as tx:
        assert tx.scalar(select(func.count()).select_from(chunks)) == PASSAGES
    space = _begin(served)
    _migrator(served).migrate_some(_always)
    found = embedder_check.compare(served.database, embedder_check.Side(NEW, space), None, sample=7)
    assert found.questions == 7
