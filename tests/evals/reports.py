"""Long look-alike documents: annual reports of several companies and years in one collection.

``python -m tests.evals.reports`` makes twelve reports of about ninety pages (``made_reports``), publishes
them with the student's vectors, as a library is in its first minutes, and asks for facts of which each
stands on one or two pages of one report. A hit counts when document and page are right.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rich.progress import Progress

from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf import parse
from ingest.splitting import embedding_text, split
from rag.evaluation.metrics import mean, quantile
from rag.evaluation.reports import Figure, Report, at_least, write
from rag.models.distillation import distil_if_missing
from rag.models.embeddings import embeddings_at
from rag.models.locations import default_models_folder
from rag.models.static_embeddings import StaticEmbeddings
from rag.models.tokenizer import OffsetTokenizer
from rag.records import DocumentState, Passage
from rag.retrieval import named_documents
from rag.retrieval.dense import VectorSpace
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import acceptance, chunk_store, collections, job_queue, schema
from rag.stores.access import LOCAL
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from rag.stores.scopes import Scope
from rag.text import business_terms
from rag.text.forms import spoken
from tests.evals.made_reports.figures import COMPANIES, YEARS, years_of
from tests.evals.made_reports.questions import Question, questions
from tests.evals.made_reports.report import Made, make

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "data" / "reports"
_LARGEST = 100_000_000

Track = Callable[..., Iterable[Any]]


class Library:
    """The made reports in real stores, searched as the service does."""

    def __init__(
        self, folder: Path, student: StaticEmbeddings, tokenizer: OffsetTokenizer, most: int
    ) -> None:
        self._database = Database(folder / "footnote.db")
        schema.upgrade(self._database)
        self._blobs = BlobStore(folder / "blobs")
        self._student, self._tokenizer, self._most = student, tokenizer, most
        with self._database.write() as tx:
            self._space = chunk_store.open_space(tx, student.space_id, student.dimension)
        index = IndexFollower(folder / "index", self._space, student.space_id, student.dimension)
        self._retriever = HybridRetriever(self._database, [VectorSpace(index, student)])

    def add(self, name: str, data: bytes, metadata: Mapping[str, Any]) -> str:
        """Publish a PDF as the pipeline would and return the document's id."""
        parsed = parse(data, name, ParseLimits(), lambda done, total: None)
        title = parsed.title or PurePosixPath(name).stem
        pieces = split(parsed, self._tokenizer, title=title, max_tokens=self._most)
        vectors = self._student.encode(
            [embedding_text(piece.context, spoken(parsed.text, piece)) for piece in pieces]
        )
        blob = self._blobs.put([data], _LARGEST)
        with self._database.write() as tx:
            accepted = acceptance.create(tx, blob, name, collections.get(tx, LOCAL, "default"), metadata)
            job = job_queue.claim_this(tx, accepted.job, "eval")
            chunk_store.publish(
                tx,
                version_id=job.version_id,
                parsed=parsed,
                pieces=pieces,
                embedded=vectors,
                space_id=self._space,
                state=DocumentState.READY,
            )
            job_queue.succeed(tx, job)
        return accepted.document.public_id

    def search(self, question: str, k: int) -> Sequence[Passage]:
        return self._retriever.search(question, Scope(LOCAL), k).passages

    def close(self) -> None:
        self._database.close()


@dataclass(slots=True)
class Outcome:
    """One entry a question: 1 where the right one was found, and how long it took in milliseconds."""

    document_first: list[float] = field(default_factory=list)
    page_first: list[float] = field(default_factory=list)
    page_in_five: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def ask(library: Library, asked: Sequence[Question], ids: Mapping[tuple[str, int], str]) -> Outcome:
    """Every question with five hits; ``ids`` are the documents by company name and year."""
    outcome = Outcome()
    for question in asked:
        started = time.perf_counter()
        found = library.search(question.text, 5)
        outcome.times.append(1000 * (time.perf_counter() - started))
        right = ids[question.company.name, question.year]
        hits = [one.document.id == right and one.page in question.pages for one in found]
        outcome.document_first.append(float(bool(found) and found[0].document.id == right))
        outcome.page_first.append(float(hits[:1] == [True]))
        outcome.page_in_five.append(float(any(hits)))
    return outcome


@contextmanager
def _without(part: str) -> Iterator[None]:
    """Search without what was added for such documents, to see what it is worth."""
    find, printed = named_documents.find, business_terms.as_printed
    if part in ("names", "both"):
        named_documents.find = lambda tx, question, scope, readable: named_documents.NONE_NAMED
    if part in ("thesaurus", "both"):
        business_terms.as_printed = lambda question: ""
    try:
        yield
    finally:
        named_documents.find, business_terms.as_printed = find, printed


def main() -> None:
    arguments = _arguments()
    teacher = embeddings_at(None, None)
    student = distil_if_missing(default_models_folder(), teacher)
    tokenizer = OffsetTokenizer(teacher.folder)
    made = {(company.name, year): made_for(company, year) for company in COMPANIES for year in YEARS}
    asked = questions({key: one.pages for key, one in made.items()}, arguments.rounds)
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        library = Library(Path(folder), student, tokenizer, teacher.max_tokens)
        ids = _publish(library, made, progress.track)
        library.search("net sales", 5)  # what is loaded once is not timed
        outcome = ask(library, asked, ids)
        ablated = {}
        for part in ("names", "thesaurus", "both"):
            with _without(part):
                ablated[part] = ask(library, asked, ids)
        library.close()
    notes = [
        f"{len(made)} reports of {len(COMPANIES)} invented companies, {len(asked)} questions, from a seed; "
        "student vectors. The weights of search were chosen seeing these questions.",
    ]
    report = Report("reports", "Long look-alike documents", "make eval", _figures(outcome, ablated), notes)
    print(write(report, arguments.reports).read_text())


def made_for(company: Any, year: int) -> Made:
    """The report of a company for a year."""
    return make(company, year, years_of(company))


def _publish(
    library: Library, made: Mapping[tuple[str, int], Made], track: Track
) -> dict[tuple[str, int], str]:
    companies = {company.name: company for company in COMPANIES}
    ids = {}
    for number, (key, one) in enumerate(track(list(made.items()), description="publishing"), start=1):
        company, year = companies[key[0]], key[1]
        name = company.file.format(year=year, number=number)
        ids[key] = library.add(name, one.pdf, company.facts(year))
    return ids


def _figures(outcome: Outcome, ablated: Mapping[str, Outcome]) -> list[Figure]:
    names = {
        "names": "without what documents are called",
        "thesaurus": "without the thesaurus",
        "both": "without either",
    }
    return [
        at_least("evidence page within five hits", mean(outcome.page_in_five), 0.55),
        Figure("evidence page first", f"{mean(outcome.page_first):.3f}"),
        Figure("right report first", f"{mean(outcome.document_first):.3f}"),
        *(
            Figure(
                f"{names[part]}: page in five / report first",
                f"{mean(one.page_in_five):.3f} / {mean(one.document_first):.3f}",
            )
            for part, one in ablated.items()
        ),
        Figure("search, median", f"{quantile(outcome.times, 0.5):,.0f} ms"),
        Figure("search, 95th percentile", f"{quantile(outcome.times, 0.95):,.0f} ms"),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--rounds", type=int, default=3, help="how often each question is asked")
    return parser.parse_args()


if __name__ == "__main__":
    main()
