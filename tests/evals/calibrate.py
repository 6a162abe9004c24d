"""Fit the answerability model and its thresholds: ``python -m tests.evals.calibrate [--data FOLDER]``.

Every question is searched twice: with its document and without it, its neighbours from the same
article left in. Rates are cross-validated by article; the stored model is fitted on all of them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress, track

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.calibration import FALSE_REFUSALS, fit, rates, write
from rag.evaluation.metrics import mean
from rag.models.embeddings import default_embeddings
from rag.models.span_reader import default_reader
from rag.retrieval import answerability
from rag.retrieval.answerability import Features
from rag.retrieval.dense import VectorSpace
from rag.retrieval.evidence import EvidenceSelector
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import chunk_store
from rag.stores.access import LOCAL
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.scopes import Scope
from tests.evals.reading import DEFAULT_DATA, Run, read_corpus, read_questions

PASSAGES = 8
FOLDS = 8
STORED = Path(answerability.__file__).with_name("answerability.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    arguments = parser.parse_args()
    corpus, questions = read_corpus(arguments.data), read_questions(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        with LocalService(Path(folder)) as service, Progress() as progress:
            run = Run(Connection(service.address), progress.track)
            run.upload(corpus)
        features = _Features(Path(folder) / "data")
        inside, outside = [], []
        for question in track(questions, description="measuring"):
            left_out = {"document_id": {"$ne": run.names[question.document]}}
            inside.append(features.of(question.text, Scope(LOCAL)))
            outside.append(features.of(question.text, Scope(LOCAL, filter=left_out)))
    articles = {paragraph["id"]: paragraph["title"] for paragraph in corpus}
    groups = sorted(set(articles.values()))
    folds = [groups.index(articles[question.document]) % FOLDS for question in questions]
    for allowed in FALSE_REFUSALS:
        false_refusals, refusals = _cross_validated(allowed, inside, outside, folds)
        print(
            f"allowed {allowed}, cross-validated by article: {false_refusals:.3f} of answerable questions ",
            end="",
        )
        print(f"refused, {refusals:.3f} of those whose document was left out")
    write(fit(inside, outside), STORED)
    print(f"written to {STORED}:\n{STORED.read_text()}")


class _Features:
    """The library that a service left behind, opened in this process."""

    def __init__(self, folder: Path) -> None:
        embedder = default_embeddings(2)
        database = Database(folder / "footnote.db")
        with database.write() as tx:
            space = chunk_store.open_space(tx, embedder.space_id, embedder.dimension)
        index = IndexFollower(folder / "measuring", space, embedder.space_id, embedder.dimension)
        self._retriever = HybridRetriever(database, [VectorSpace(index, embedder)])
        self._selector = EvidenceSelector(embedder, default_reader(threads=2))

    def of(self, question: str, scope: Scope) -> Features:
        found = self._selector.select(self._retriever.search(question, scope, PASSAGES), 1).features
        assert found is not None
        return found


def _cross_validated(
    allowed: float, inside: Sequence[Features], outside: Sequence[Features], folds: Sequence[int]
) -> tuple[float, float]:
    results = []
    for held_out in range(FOLDS):
        kept = [at for at, fold in enumerate(folds) if fold != held_out]
        tested = [at for at, fold in enumerate(folds) if fold == held_out]
        model = fit([inside[at] for at in kept], [outside[at] for at in kept])
        measured = rates(model, allowed, [inside[at] for at in tested], [outside[at] for at in tested])
        results += [measured] * len(tested)
    return mean([one for one, _ in results]), mean([other for _, other in results])


if __name__ == "__main__":
    main()
