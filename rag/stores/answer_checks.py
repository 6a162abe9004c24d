"""Kept answers and remembered requests held against the documents they name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import delete, exists, select

from rag.stores import texts
from rag.stores.database import Tx
from rag.stores.findings import Report
from rag.stores.tables import (
    answer_spans,
    answers,
    deleted_documents,
    documents,
    idempotency_keys,
    jobs,
    versions,
)

_of_another = jobs.c.document_id != idempotency_keys.c.document_id


def check(tx: Tx, report: Report, *, read_quotations: bool) -> None:
    """``read_quotations``: compare every place that an answer rests on with the text that stood there."""
    back = tx.scalars(
        select(documents.c.public_id).join(
            deleted_documents, deleted_documents.c.public_id == documents.c.public_id
        )
    )
    report.add("documents_resurrected", "Deleted documents that are there", back, "delete them once more")
    report.add(
        "citations_missing",
        "Answers with footnotes that lead nowhere",
        _leading_nowhere(tx),
        "delete them (`footnote answers delete ID`)",
    )
    known = select(documents.c.public_id).union(select(deleted_documents.c.public_id))
    strange = tx.scalars(
        select(answer_spans.c.document).distinct().where(answer_spans.c.document.not_in(known))
    )
    report.add(
        "answers_of_strangers",
        "Documents that answers cite and that never were",
        strange,
        "delete those answers (`footnote answers list --document ID`)",
    )
    report.add("requests_mixed_up", "Remembered requests whose job is another document's", _mixed_up(tx))
    if read_quotations:
        report.add(
            "quotations_changed",
            "Answers that rest on text that is not what it was",
            sorted(set(_changed_quotations(tx))),
            "delete them (`footnote answers delete ID`) and ask again",
        )


def mend(tx: Tx) -> None:
    """Forget requests that are remembered wrongly: the same request is then a new one."""
    another = exists().where(jobs.c.id == idempotency_keys.c.job_id, _of_another)
    tx.execute(delete(idempotency_keys).where(another))


def _leading_nowhere(tx: Tx) -> list[str]:
    there: dict[int, set[int]] = {}
    for key, number in tx.execute(
        select(answer_spans.c.answer_id, answer_spans.c.citation).where(answer_spans.c.citation.is_not(None))
    ):
        there.setdefault(key, set()).add(number)
    found = []
    for row in tx.execute(select(answers.c.id, answers.c.public_id, answers.c.sentences)):
        cited = {number for sentence in row.sentences for number in sentence["citations"]}
        if cited - there.get(row.id, set()):
            found.append(row.public_id)
    return found


def _mixed_up(tx: Tx) -> list[str]:
    joined = idempotency_keys.join(jobs, jobs.c.id == idempotency_keys.c.job_id)
    return list(tx.scalars(select(jobs.c.public_id).select_from(joined).where(_of_another)))


def _changed_quotations(tx: Tx) -> Iterator[str]:
    rows = tx.execute(
        select(
            answers.c.public_id,
            answer_spans.c.start,
            answer_spans.c.end,
            answer_spans.c.sha256,
            versions.c.id.label("version_id"),
        )
        .join(answers, answers.c.id == answer_spans.c.answer_id)
        .join(documents, documents.c.public_id == answer_spans.c.document)
        .join(
            versions,
            (versions.c.document_id == documents.c.id) & (versions.c.number == answer_spans.c.version),
        )
        .where(answer_spans.c.sha256.is_not(None))
    ).all()
    for row in rows:
        stands = texts.read_text(tx, row.version_id, row.start, row.end)
        if hashlib.sha256(stands.encode()).hexdigest() != row.sha256:
            yield row.public_id
