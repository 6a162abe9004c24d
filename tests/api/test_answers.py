"""Answers that were given, over a real data folder; asking again is tested where there are models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from api.app import create_app
from api.assembly import Service
from api.cli import answers as commands
from api.cli.connection import Connection
from api.housekeeping import Housekeeper, expire_answers
from api.settings import Settings
from rag.errors import StorageFailed
from rag.generation.receipts import Asked, ReceiptKeeper
from rag.models.generation import PromptPart
from rag.records import (
    Answer,
    AnswerSentence,
    AnswerStatus,
    Citation,
    Coverage,
    DocumentRef,
    Evidence,
    ModelIdentity,
    Verdict,
)
from rag.stores import conversations
from rag.stores.access import LOCAL
from rag.stores.document_catalog import Document
from rag.stores.receipt_writer import ReceiptWriter
from rag.stores.scopes import Scope
from tests.api.conftest import Client
from tests.rag.stores.library import Library
from tests.rag.stores.receipts import ENVIRONMENT

HALLORAN = "Iris Halloran was the first keeper."
TOWER = "The tower is 41 metres high."


class Answers:
    """Documents of one sentence, and answers that quote them."""

    def __init__(self, service: Service) -> None:
        self._database = service.database
        self._keeper = ReceiptKeeper(ReceiptWriter(service.database), ENVIRONMENT)
        self.library = Library(service.database, service.blobs)
        self._given = 0

    def document(self, sentence: str) -> Document:
        return self.library.add([sentence], f"{sentence.split()[1].lower()}.txt")

    def give(self, quoted: Sequence[tuple[Document, str]], **asked: Any) -> str:
        self._given += 1
        evidence, citations, sentences, text = [], [], [], ""
        for number, (document, sentence) in enumerate(quoted, start=1):
            named = DocumentRef(document.public_id, document.name, 1)
            place: dict[str, Any] = {
                "document": named,
                "page": 1,
                "start": 0,
                "end": len(sentence),
                "score": 0.5,
            }
            text += " " if text else ""
            evidence.append(
                Evidence(number, version_id=document.newest.id, text=sentence, context="", **place)
            )
            citations.append(Citation(number, quote=sentence, locator="page 1", **place))
            at = (len(text), len(text) + len(sentence))
            sentences.append(AnswerSentence(sentence, *at, Verdict.VERBATIM, 1.0, (number,)))
            text += f"{sentence} [{number}]"
        answer = Answer(
            id=f"ans_{self._given}",
            status=AnswerStatus.ANSWERED,
            answer=text,
            sentences=tuple(sentences),
            citations=tuple(citations),
            coverage=Coverage(1, 1, 1),
            timings={"total_ms": 5.0},
            model=ModelIdentity("small", "ab" * 32),
        )
        question = Asked("Who?", "Who (keeper)?", Scope(LOCAL, ("default",)), "auto", 3, 12, **asked)
        self._keeper.keep(question, answer, evidence, [[PromptPart("Who?")]])
        return answer.id


@pytest.fixture
def given(service: Service) -> Answers:
    return Answers(service)


def test_an_answer_is_shown_with_what_made_it(client: Client, given: Answers) -> None:
    document = given.document(HALLORAN)
    shown = client.get(f"/v1/answers/{given.give([(document, HALLORAN)], conversation='c')}").json()
    assert shown["answer"] == f"{HALLORAN} [1]"
    (citation,) = shown["citations"]
    assert citation["quote"] == HALLORAN
    assert citation["document"] == {
        "id": document.public_id,
        "name": document.name,
        "version": 1,
        "status": "current",
    }
    assert (shown["question"], shown["understood_as"]) == ("Who?", "Who (keeper)?")
    assert shown["request"] == {
        "collections": ["default"],
        "filter": None,
        "mode": "auto",
        "max_citations": 3,
        "survey_citations": 12,
    }
    assert shown["environment"]["software"] == ENVIRONMENT.software
    assert (shown["freshness"], shown["conversation"], shown["replay_of"]) == ("current", "c", None)
    assert [(one["text"], one["citation"], one["intact"]) for one in shown["evidence"]] == [
        (HALLORAN, 1, True)
    ]
    assert len(shown["prompt_sha256"]) == 64


def test_freshness_is_that_of_the_least_fresh_citation(client: Client, given: Answers) -> None:
    keeper, tower = given.document(HALLORAN), given.document(TOWER)
    answer = given.give([(keeper, HALLORAN), (tower, TOWER)])
    assert client.get(f"/v1/answers/{answer}").json()["freshness"] == "current"
    files = {"file": ("tower.txt", b"The tower is 40 metres high.")}
    assert client.request("PUT", f"/v1/documents/{tower.public_id}", files=files).status_code == 202
    shown = client.get(f"/v1/answers/{answer}").json()
    assert shown["freshness"] == "superseded"
    assert [one["document"]["status"] for one in shown["citations"]] == ["current", "superseded"]
    assert [one["quote"] for one in shown["citations"]] == [HALLORAN, TOWER]


def test_a_deleted_document_leaves_a_stub_and_nothing_it_said(client: Client, given: Answers) -> None:
    keeper, tower = given.document(HALLORAN), given.document(TOWER)
    answer = given.give([(keeper, HALLORAN), (tower, TOWER)], conversation="c")
    client.request("DELETE", f"/v1/documents/{keeper.public_id}")
    whole = client.get(f"/v1/answers/{answer}")
    assert "Halloran" not in whole.text
    shown = whole.json()
    assert shown["freshness"] == "deleted"
    assert [one["text"] for one in shown["sentences"]] == ["", TOWER]
    for sentence in shown["sentences"]:
        assert shown["answer"][sentence["start"] : sentence["end"]] == sentence["text"]
    stub = shown["citations"][0]
    assert stub["document"] == {"id": keeper.public_id, "name": "", "version": 1, "status": "deleted"}
    assert (stub["quote"], stub["start"], stub["end"]) == ("", 0, len(HALLORAN))
    assert (shown["evidence"][0]["text"], shown["evidence"][0]["intact"]) == ("", None)
    assert shown["question"] == "Who?"
    assert "Halloran" not in client.get("/v1/answers").text


def test_lists_page_and_filter(client: Client, given: Answers) -> None:
    keeper, tower = given.document(HALLORAN), given.document(TOWER)
    for number in range(5):
        document, said = (keeper, HALLORAN) if number % 2 else (tower, TOWER)
        given.give([(document, said)], conversation="c" if number < 2 else None)
    seen, cursor = [], None
    while True:
        parameters = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = client.get("/v1/answers", params=parameters).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["ans_5", "ans_4", "ans_3", "ans_2", "ans_1"]

    def listed(**parameters: str) -> list[str]:
        return [one["id"] for one in client.get("/v1/answers", params=parameters).json()["data"]]

    assert listed(conversation="c") == ["ans_2", "ans_1"]
    assert listed(document=keeper.public_id) == ["ans_4", "ans_2"]
    client.request("DELETE", f"/v1/documents/{keeper.public_id}")
    assert listed(document=keeper.public_id) == ["ans_4", "ans_2"]
    first = client.get("/v1/answers", params={"limit": 1}).json()["data"][0]
    assert (first["freshness"], first["status"], first["kind"]) == ("current", "answered", "lookup")
    assert [one["id"] for one in first["documents"]] == [tower.public_id]


def test_a_deleted_answer_is_gone_with_its_turn(client: Client, service: Service, given: Answers) -> None:
    answer = given.give([(given.document(HALLORAN), HALLORAN)], conversation="c")
    assert client.request("DELETE", f"/v1/answers/{answer}").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/replay")):
        problem = client.request(method, f"/v1/answers/{answer}{path}")
        assert (problem.status_code, problem.json()["code"]) == (410, "answer_deleted")
        problem = client.request(method, f"/v1/answers/ans_x{path}")
        assert (problem.status_code, problem.json()["code"]) == (404, "answer_not_found")
    with service.database.read() as tx:
        assert conversations.recent_turns(tx, LOCAL.owner, "c", 1) == []


def test_asking_again_waits_for_search(client: Client, given: Answers) -> None:
    answer = given.give([(given.document(HALLORAN), HALLORAN)])
    problem = client.post(f"/v1/answers/{answer}/replay")
    assert (problem.status_code, problem.json()["code"]) == (503, "search_starting")


def test_where_answers_are_not_kept_none_is_asked_again(service: Service, given: Answers) -> None:
    answer = given.give([(given.document(HALLORAN), HALLORAN)])
    service.settings = service.settings.model_copy(update={"answers_kept_days": 0})
    problem = Client(create_app(service)).post(f"/v1/answers/{answer}/replay")
    assert (problem.status_code, problem.json()["code"]) == (409, "answers_not_kept")


def test_answers_are_kept_for_as_long_as_is_set(service: Service, given: Answers) -> None:
    given.give([(given.document(HALLORAN), HALLORAN)], conversation="c")
    client = Client(create_app(service))
    expire_answers(service.database, Settings(answers_kept_days=1))
    assert len(client.get("/v1/answers").json()["data"]) == 1
    time.sleep(0.001)
    expire_answers(service.database, Settings(answers_kept_days=0))
    assert client.get("/v1/answers/ans_1").json()["code"] == "answer_deleted"
    assert client.get("/v1/answers").json()["data"] == []


def test_a_chore_that_fails_does_not_keep_the_others_from_being_done() -> None:
    done = []

    def full() -> None:
        raise StorageFailed("disk_full", "The disk is full; free some space and try again.")

    def torn() -> None:
        raise OSError(5, "Input/output error")

    Housekeeper([full, torn, lambda: done.append(1)]).tidy()
    assert done == [1]


def test_the_command_line_shows_lists_and_deletes(
    connection: Connection, client: Client, given: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper, tower = given.document(HALLORAN), given.document(TOWER)
    answer = given.give([(keeper, HALLORAN), (tower, TOWER)])
    client.request("DELETE", f"/v1/documents/{tower.public_id}")
    commands.list_all(connection, None, keeper.public_id, 10, False)
    assert capsys.readouterr().out.split() == [answer, "answered", "deleted", "Who?"]
    commands.show(connection, answer, False)
    said = capsys.readouterr().out
    assert said.startswith(f"{HALLORAN} [1]")
    assert "[2] a document that was deleted" in said
    assert "2 offered, 2 cited" in said
    commands.delete(connection, answer, False)
    commands.list_all(connection, None, None, 10, True)
    assert capsys.readouterr().out == f"Deleted {answer}.\n[]\n"
