"""Where an answer is looked for: what decides it, and nothing that does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import NotFound
from rag.generation.answer_cache import AnswerCache, Place, is_worth_keeping, writer_of
from rag.generation.asking import CacheOutcome
from rag.generation.drafting import DraftingChoice
from rag.generation.receipts import Asked
from rag.generation.sampling import AS_USUAL, Sampling
from rag.models.generation import GenerationRequest, PromptPart
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from rag.records import Answer, AnswerSentence, AnswerStatus, Coverage, ModelIdentity, Verdict
from rag.stores import collections, schema, tenants
from rag.stores.access import LOCAL, Access, Owner, of_tenant
from rag.stores.database import Database
from rag.stores.receipt import Environment
from rag.stores.scopes import Scope
from tests.rag.stores.receipts import ENVIRONMENT

ASKED = Asked("Who was the first keeper?", "Who was the first keeper?", Scope(LOCAL), "auto", 3, 12)
WRITER = ("free", "small", "ab" * 32)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("places")
    database = Database(folder / "footnote.db")
    schema.upgrade(database)
    with database.write() as tx:
        collections.create(tx, LOCAL, "minutes")
        tenants.create(tx, "acme")
    yield database
    database.close()


def place(
    database: Database,
    asked: Asked = ASKED,
    sampling: Sampling = AS_USUAL,
    environment: Environment = ENVIRONMENT,
    writer: tuple[str, ...] = WRITER,
) -> Place:
    look = AnswerCache(database, environment, lambda: writer).look(asked, sampling)
    assert (look.outcome, look.found) == (CacheOutcome.NEW, None)
    assert look.place is not None
    return look.place


@pytest.mark.parametrize(
    "changed",
    [
        {"standalone": "Who was the second keeper?"},
        {"standalone": "Who was not the first keeper?"},
        {"standalone": "WHO was the first keeper?"},
        {"standalone": "Please, who was the first keeper?"},
        {"mode": "answer"},
        {"max_citations": 2},
        {"survey_citations": 11},
        {"scope": Scope(LOCAL, ("default",))},
        {"scope": Scope(LOCAL, ("default", "minutes"))},
        {"scope": Scope(LOCAL, ())},
        {"scope": Scope(LOCAL, None, {"name": "a.txt"})},
        {"scope": Scope(LOCAL, None, {"metadata.year": 1})},
        {"scope": Scope(LOCAL, None, {"metadata.year": True})},
        {"scope": Scope(LOCAL, None, {"metadata.year": "1"})},
        {"scope": Scope(of_tenant(2))},
        {"scope": Scope(Access(Owner(1, 7), frozenset({1})))},
        {"scope": Scope(Access(Owner(1, 8), frozenset({1})))},
        {"scope": Scope(Access(Owner(1, 7), frozenset({1, 2})))},
    ],
)
def test_whatever_decides_the_answer_has_a_place_of_its_own(
    database: Database, changed: dict[str, Any]
) -> None:
    assert place(database, replace(ASKED, **changed)).key != place(database).key


def test_so_has_each_set_of_collections_that_one_key_may_read(database: Database) -> None:
    scopes = [Scope(Access(Owner(1, 7), frozenset(permitted))) for permitted in ({1}, {2}, {1, 2}, ())]
    assert len({place(database, replace(ASKED, scope=scope)).key for scope in scopes}) == len(scopes)


def test_so_have_settings_embedders_models_and_code(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = place(database).key
    others = [
        place(database, environment=replace(ENVIRONMENT, settings={"abstention": 0.1})).key,
        place(database, environment=replace(ENVIRONMENT, spaces=("space-c",))).key,
        place(database, environment=replace(ENVIRONMENT, software="9")).key,
        place(database, writer=("copy", *WRITER[1:])).key,
        place(database, writer=(*WRITER[:2], "cd" * 32)).key,
        place(database, sampling=Sampling(max_tokens=5)).key,
    ]
    monkeypatch.setattr("rag.generation.answer_cache.code_sha256", lambda: "other")
    others.append(place(database).key)
    assert len({usual, *others}) == 8


@pytest.mark.parametrize(
    "changed",
    [
        {"question": "And?"},
        {"conversation": "c", "replay_of": "ans_a"},
        {"standalone": " who was the first  keeper ??"},
    ],
)
def test_whatever_decides_nothing_has_not(database: Database, changed: dict[str, Any]) -> None:
    assert place(database, replace(ASKED, **changed)) == place(database)


def test_a_collection_is_the_same_by_name_and_by_id(database: Database) -> None:
    with database.read() as tx:
        minutes = collections.get(tx, LOCAL, "minutes").public_id
    by_name = replace(ASKED, scope=Scope(LOCAL, ("default", "minutes")))
    by_id = replace(ASKED, scope=Scope(LOCAL, (minutes, "default", "minutes")))
    assert place(database, by_name) == place(database, by_id)
    with pytest.raises(NotFound):
        place(database, replace(ASKED, scope=Scope(of_tenant(2), ("minutes",))))


def test_quoting_has_a_place_whatever_would_write(database: Database) -> None:
    cache = AnswerCache(database, ENVIRONMENT, lambda: None)
    assert cache.look(ASKED, AS_USUAL).outcome is CacheOutcome.UNREPEATABLE
    quoted = replace(ASKED, mode="quote")
    assert cache.look(quoted, AS_USUAL).place == place(database, quoted)
    assert cache.look(quoted, Sampling(temperature=0.1)).outcome is CacheOutcome.UNREPEATABLE
    assert cache.look(quoted, Sampling(temperature=0.0)).place is not None


def test_a_place_does_not_outlast_its_collection(database: Database) -> None:
    cache = AnswerCache(database, ENVIRONMENT, lambda: WRITER)
    with database.write() as tx:
        collections.create(tx, LOCAL, "brief")
    asked = replace(ASKED, scope=Scope(LOCAL, ("brief",)))
    found = cache.look(asked, AS_USUAL, anew=True)
    assert found.outcome is CacheOutcome.DECLINED
    assert found.place is not None
    assert cache.is_still(found.place, asked, AS_USUAL)
    with database.write() as tx:
        collections.remove(tx, collections.get(tx, LOCAL, "brief"))
    assert not cache.is_still(found.place, asked, AS_USUAL)


def test_a_model_that_does_not_work_is_no_writer() -> None:
    closed = Generator(default_model_path())
    closed.close()
    assert writer_of(closed, DraftingChoice()) is None


def test_drafts_are_told_apart_by_all_that_decides_them(database: Database) -> None:
    cache = AnswerCache(database, ENVIRONMENT, lambda: WRITER)
    model = ModelIdentity("small", "ab")
    wanted = GenerationRequest((PromptPart("[1] Zinc.\n\nQuestion: what"),), cache_scope="1/")

    def key(request: GenerationRequest, owner: Owner = LOCAL.owner, by: ModelIdentity = model) -> str | None:
        return cache.draft_key(owner, request, by)

    assert key(replace(wanted, cache_scope="elsewhere")) == key(wanted)
    others = [
        key(replace(wanted, prompt=(PromptPart("[1] Zinc.\n\nQuestion: who"),))),
        key(replace(wanted, prompt=(replace(wanted.prompt[0], trusted=True),))),
        key(replace(wanted, max_tokens=5)),
        key(replace(wanted, citations=(1,))),
        key(replace(wanted, copy_from=("Zinc.",))),
        key(wanted, Owner(1, 7)),
        key(wanted, Owner(2)),
        key(wanted, by=ModelIdentity("small", "cd")),
    ]
    assert len({key(wanted), *others}) == 9
    assert key(replace(wanted, temperature=0.1)) is None
    assert key(wanted, by=ModelIdentity("a server's", "")) is None


@pytest.mark.parametrize(
    ("status", "verdict", "citations", "worth"),
    [
        (AnswerStatus.ANSWERED, Verdict.SUPPORTED, (1,), True),
        (AnswerStatus.ANSWERED, Verdict.UNSUPPORTED, (1,), False),
        (AnswerStatus.ANSWERED, Verdict.SUPPORTED, (), False),
        (AnswerStatus.PARTIAL, Verdict.SUPPORTED, (1,), False),
    ],
)
def test_only_whole_answers_that_hold_are_kept_for_later(
    status: AnswerStatus, verdict: Verdict, citations: tuple[int, ...], worth: bool
) -> None:
    said = AnswerSentence("Zinc.", 0, 5, verdict, 1.0, citations)
    answer = Answer("ans", status, "Zinc.", (said,), (), Coverage(1, 1, 1), {}, None)
    assert is_worth_keeping(answer) is worth
    refusal = replace(answer, status=AnswerStatus.NOT_IN_DOCUMENTS, sentences=())
    assert is_worth_keeping(refusal)
