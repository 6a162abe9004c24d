"""The Python client against a real service, blocking and asynchronous."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.client import (
    AnswerDone,
    AsyncFootnote,
    BadRequest,
    Conflict,
    Document,
    DocumentRejected,
    Footnote,
    Forbidden,
    Gone,
    NotFound,
    RetrievalFound,
    SentenceDelivered,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from tests.api.serving import LIBRARY, OPENED, served, served_with_library
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with served_with_library(tmp_path_factory.mktemp("service")) as (service, document):
        yield service.address, document


@pytest.fixture
def client(library: tuple[str, str]) -> Iterator[Footnote]:
    with Footnote(library[0]) as made:
        yield made


def test_an_answer_is_typed_and_its_quotes_are_the_stored_text(client: Footnote) -> None:
    answer = client.ask(OPENED)
    assert answer.status == "answered"
    for cited in answer.citations:
        document = cited.document
        text = client.documents.text(document.id, start=cited.start, end=cited.end, version=document.version)
        assert text.text == cited.quote
    assert client.answers.get(answer.id).question == OPENED
    assert client.answers.replay(answer.id).same
    assert answer.id in {one.id for one in client.answers.list(document=answer.citations[0].document.id)}


def test_a_stream_is_events_of_known_types_and_ends_with_the_answer(client: Footnote) -> None:
    with client.stream(OPENED) as events:
        kinds = [type(event) for event in events]
    assert kinds[0] is RetrievalFound
    assert SentenceDelivered in kinds
    assert kinds[-1] is AnswerDone
    assert events.answer is not None
    assert events.answer.citations


def test_a_stream_may_be_left_and_the_client_used_on(client: Footnote) -> None:
    with client.stream(OPENED) as events:
        assert isinstance(next(events), RetrievalFound)
    assert list(events) == []
    assert client.search("skates", k=1).hits


def test_an_answer_that_was_given_before_is_made_anew_if_wanted(client: Footnote) -> None:
    first = client.ask(OPENED)
    assert client.ask(OPENED).cached
    assert not client.ask(OPENED, anew=True).cached
    with client.stream(OPENED, anew=True) as events:
        kinds = [type(event) for event in events]
    assert SentenceDelivered in kinds
    assert events.answer is not None
    assert not events.answer.cached
    assert events.answer.answer == first.answer


async def test_the_asynchronous_client_does_the_same(library: tuple[str, str]) -> None:
    async with AsyncFootnote(library[0]) as client:
        answer = await client.ask(OPENED)
        assert answer.citations
        async with client.stream(OPENED) as events:
            assert [event async for event in events][-1] == AnswerDone(events.answer)  # type: ignore[arg-type]
        added = await client.documents.add(b"The boathouse has eleven boats.", name="boats.txt")
        assert [one.id async for one in client.documents.list(name="boats")] == [added.id]
        await client.documents.delete(added.id)
        with pytest.raises(Gone):
            await client.documents.get(added.id)


def test_an_upload_tells_how_far_it_is(client: Footnote, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("Eleven boats lie in the boathouse, and every boat has a name of its own.\n" * 5000)
    told: list[tuple[int, int]] = []
    accepted = client.documents.upload(path, on_progress=lambda done, total: told.append((done, total)))
    size = path.stat().st_size
    assert told[0][0] < size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    states: list[str] = []
    job = client.jobs.wait(accepted.job.id, on_progress=lambda one: states.append(one.state.value))
    assert states[-1] == job.state == "succeeded"
    client.documents.delete(accepted.document.id)


@pytest.mark.parametrize("made", [LIBRARY + b"A file.", io.BytesIO(LIBRARY + b"A stream.")])
def test_bytes_and_files_are_sent_whole(client: Footnote, made: bytes | io.BytesIO) -> None:
    added = client.documents.add(made, name="again.txt", metadata={"year": 1911}, wait=False)
    client.jobs.wait(next(client.jobs.list()).id)
    content = made if isinstance(made, bytes) else made.getvalue()
    assert client.documents.file(added.id) == content
    assert client.documents.get(added.id).metadata == {"year": 1911}
    client.documents.delete(added.id)


def test_the_same_idempotency_key_does_it_once(client: Footnote) -> None:
    first, second = (
        client.documents.upload(b"Only once.", name="once.txt", idempotency_key="once-1") for _ in range(2)
    )
    assert first.document.id == second.document.id
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        client.documents.upload(b"Something else.", name="once.txt", idempotency_key="once-1")
    client.documents.delete(first.document.id)


def test_errors_are_told_apart_by_what_to_do(client: Footnote) -> None:
    with pytest.raises(NotFound) as missing:
        client.documents.get("doc_none")
    assert missing.value.code == "document_not_found"
    assert len(missing.value.request_id) == 32
    with pytest.raises(BadRequest) as invalid:
        client.search("x", k=0)
    assert invalid.value.errors[0]["field"].endswith("k")
    with pytest.raises(DocumentRejected, match="empty_file"):
        client.documents.upload(b"", name="empty.txt")
    with pytest.raises(Conflict, match="collection_exists"):
        client.collections.create("default")
    with pytest.raises(ValueError, match="name"):
        client.documents.upload(b"No name.")


def test_waiting_has_an_end(client: Footnote) -> None:
    client.jobs.pause()
    try:
        accepted = client.documents.upload(b"It waits in line.", name="waits.txt")
        with pytest.raises(TimedOut, match=accepted.job.id):
            client.jobs.wait(accepted.job.id, timeout=0.2)
    finally:
        client.jobs.resume()
    client.jobs.wait(accepted.job.id)
    client.documents.delete(accepted.document.id)


def test_lists_go_through_all_their_pages(client: Footnote) -> None:
    for number in range(3):
        client.documents.upload(f"Boat number {number}.".encode(), name=f"boat-{number}.txt")
    listed = [one.id for one in client._wire.pages(Document, "/v1/documents", limit=1)]
    assert listed == [one.id for one in client.documents.list()]
    assert len(listed) >= 4
    for one in client.documents.list(name="boat-"):
        client.documents.delete(one.id)


def test_collections_and_conversations(client: Footnote) -> None:
    client.collections.create("minutes")
    assert "minutes" in {one.name for one in client.collections.list()}
    client.collections.delete("minutes")
    client.ask(OPENED, conversation="harbour")
    assert [turn.question for turn in client.conversations.turns("harbour")] == [OPENED]
    assert [one.name for one in client.conversations.list()] == ["harbour"]
    client.conversations.delete("harbour", answers=True)


def test_the_documentation_runs(
    library: tuple[str, str], samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", written, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    monkeypatch.setenv("FOOTNOTE_URL", library[0])
    monkeypatch.chdir(tmp_path)
    shutil.copy(next(samples.glob("*.pdf")), tmp_path / "chronicle.pdf")
    for block in blocks:
        exec(compile(block, "docs/client.md", "exec"), {})
    with Footnote() as client:
        for one in client.documents.list(name="chronicle"):
            client.documents.delete(one.id)


def test_the_documentation_lists_every_method(client: Footnote) -> None:
    written = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    for name in ("documents", "jobs", "answers", "collections", "conversations", "keys"):
        row = re.search(rf"^\| `{name}` \| `(.*?)` \|", written, re.MULTILINE)
        assert row is not None, name
        methods = {method for method in dir(getattr(client, name)) if not method.startswith("_")}
        assert set(row[1].split()) == methods
    own = {name for name, value in vars(Footnote).items() if callable(value) and not name.startswith("_")}
    assert [name for name in own - {"close"} if f"`{name}(" not in written] == []


def test_keys_open_as_much_as_they_say(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        with Footnote(service.address) as everybody:
            admin = everybody.keys.create("admin", "admin").token
        with Footnote(service.address, key="") as nobody, pytest.raises(Unauthenticated, match="key_missing"):
            nobody.search("x")
        with Footnote(service.address, key=admin) as owner:
            made = owner.keys.create("reader", "read")
            assert [one.name for one in owner.keys.list()] == ["reader", "admin"]
            with Footnote(service.address, key=made.token) as reader:
                assert reader.search("x").hits == []
                with pytest.raises(Forbidden, match="right_missing"):
                    reader.documents.upload(b"No.", name="no.txt")
                assert owner.keys.revoke(made.key.id).state == "revoked"
                with pytest.raises(Unauthenticated, match="key_invalid"):
                    reader.search("x")


def test_nothing_there_is_unreachable() -> None:
    with Footnote("http://127.0.0.1:9") as client, pytest.raises(Unreachable, match="footnote serve"):
        client.search("x")
