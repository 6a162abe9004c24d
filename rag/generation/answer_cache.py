"""Answers given again: whole while nothing has changed, or the model's draft of them checked anew.

There is no second copy: an earlier answer is its receipt, with all rules of receipts. A whole answer is found
by everything that decides it and given while the library, as far as the asker may read it, is in the very
state it was made in: not only a document that is cited but any other might change it. A draft follows from
the prompt alone. It is found by what the model would be shown, so that search, evidence, verification and
footnotes are made anew, and it may serve a question that only means the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import rag
from rag.errors import FootnoteError
from rag.generation import receipts
from rag.generation.asking import AskMode, CacheOutcome
from rag.generation.drafting import DraftingChoice
from rag.generation.receipts import Asked, Shown
from rag.generation.sampling import Sampling
from rag.models.generation import GenerationRequest, GeneratorState
from rag.models.text_generator import TextGenerator
from rag.records import Answer, AnswerStatus, ModelIdentity, Verdict
from rag.stores import answers, collections, reuse
from rag.stores.access import Owner
from rag.stores.database import Database, Tx
from rag.stores.receipt import Environment
from rag.stores.reuse import EarlierDraft
from rag.text.same_question import as_written

_READ_AS_CODE = (".py", ".json")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer is to be found: under ``key``, as long as the library is in this state."""

    key: str
    library: str


@dataclass(frozen=True, slots=True)
class Look:
    """``place`` None: an answer to this cannot be given again. ``found`` is there for ``ANSWER`` alone."""

    outcome: CacheOutcome
    place: Place | None = None
    found: Shown | None = None


class AnswerCache:
    """Finds earlier answers in ``database``. Safe to use from many threads.

    Args:
        environment: as receipts have it: the software, the embedders and the settings that shape answers.
        writer: what would write now, as any words that tell it from others; None while that is not known.
    """

    def __init__(
        self, database: Database, environment: Environment, writer: Callable[[], tuple[str, ...] | None]
    ) -> None:
        self._database = database
        self._environment = asdict(environment) | {"code": code_sha256()}
        self._writer = writer

    def look(self, asked: Asked, sampling: Sampling, *, anew: bool = False) -> Look:
        """The earlier answer, read back in the same snapshot in which it is found to hold still.

        Args:
            anew: none is wanted, but this one may be given again later.

        Raises ``NotFound`` for collections that are not there.
        """
        with self._database.read() as tx:
            place = self._place(tx, asked, sampling)
            if place is None:
                return Look(CacheOutcome.UNREPEATABLE)
            if anew:
                return Look(CacheOutcome.DECLINED, place)
            earlier = reuse.newest_answer(tx, asked.scope.access.owner, place.key)
            if earlier is None:
                return Look(CacheOutcome.NEW, place)
            if earlier.library != place.library:
                return Look(CacheOutcome.LIBRARY_CHANGED, place)
            shown = receipts.show(tx, answers.get(tx, asked.scope.access, earlier.public_id))
        if not _is_intact(shown):
            return Look(CacheOutcome.LIBRARY_CHANGED, place)
        return Look(CacheOutcome.ANSWER, place, shown)

    def is_still(self, place: Place, asked: Asked, sampling: Sampling) -> bool:
        """Whether nothing has changed since ``place`` was looked up. What was made in between is then of one
        state of the library, although it was read in many snapshots."""
        try:
            with self._database.read() as tx:
                return self._place(tx, asked, sampling) == place
        except FootnoteError:  # a collection is gone
            return False

    def draft(self, owner: Owner, key: str) -> EarlierDraft | None:
        """What was written before under a key of ``draft_key``."""
        with self._database.read() as tx:
            return reuse.newest_draft(tx, owner, key)

    def draft_key(self, owner: Owner, wanted: GenerationRequest, model: ModelIdentity) -> str | None:
        """A digest of everything that decides what the model writes; None where chance does, too, or where it
        is not known which weights write.

        Args:
            wanted: as it would be for the question ``as_meant``, so that questions that mean the same have
                one key.
        """
        if wanted.temperature > 0 or not model.sha256:
            return None
        return _digest(
            {
                "owner": asdict(owner),
                "request": asdict(replace(wanted, cache_scope=None)),
                "model": model.sha256,
                "environment": self._environment,
            }
        )

    def _place(self, tx: Tx, asked: Asked, sampling: Sampling) -> Place | None:
        writer = () if asked.mode == AskMode.QUOTE else self._writer()
        if writer is None or (sampling.temperature or 0) > 0:
            return None
        access = asked.scope.access
        named = asked.scope.collections
        decides = {
            "question": as_written(asked.standalone),
            "mode": asked.mode,
            "citations": [asked.max_citations, asked.survey_citations],
            "collections": named and sorted({collections.get(tx, access, one).id for one in named}),
            "filter": asked.scope.filter,
            "owner": asdict(access.owner),
            "permitted": None if access.collections is None else sorted(access.collections),
            "environment": self._environment,
            "writer": writer,
            "sampling": asdict(sampling),
        }
        return Place(_digest(decides), reuse.library_state(tx, access))


def writer_of(generator: TextGenerator, drafting: DraftingChoice) -> tuple[str, ...] | None:
    """What would write now, for ``AnswerCache``: None until it is settled, and where nobody can tell which
    weights it has. A model that is being restarted is still the same one."""
    if generator.status.state not in (GeneratorState.READY, GeneratorState.RESTARTING):
        return None
    model = generator.identity
    return (drafting.current, model.name, model.sha256) if model.sha256 else None


def is_worth_keeping(answer: Answer) -> bool:
    """Whether an answer may be given again while nothing has changed: a whole one of which every sentence
    holds, or a refusal."""
    if answer.status is AnswerStatus.NOT_IN_DOCUMENTS:
        return True
    return answer.status is AnswerStatus.ANSWERED and all(
        sentence.citations and sentence.verdict is not Verdict.UNSUPPORTED for sentence in answer.sentences
    )


@cache
def code_sha256() -> str:
    """Of every module and table of the package: what other code made is not given again as its answer."""
    root = Path(rag.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in _READ_AS_CODE):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _is_intact(shown: Shown) -> bool:
    """Whether every text it rests on is what it was, whatever has become of the documents."""
    return all(one.intact for one in shown.evidence)


def _digest(decides: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=repr).encode()).hexdigest()
