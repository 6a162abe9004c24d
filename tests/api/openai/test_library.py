"""Models, embeddings, files and vector stores through the official client."""

from __future__ import annotations

import io
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import VectorStore

from tests.api.openai.library import LIBRARY, OPENED


def test_models_are_listed_and_found(client: OpenAI, store: VectorStore) -> None:
    names = [model.id for model in client.models.list()]
    assert {"footnote", "footnote-quote", "footnote-embedding", "footnote:harbour"} <= set(names)
    for name in names:
        assert client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-4o")
    assert missing.value.code == "model_not_found"


def test_vectors_are_the_same_in_either_form(client: OpenAI) -> None:
    texts = ["opening hours", "the roof is of copper"]
    packed = client.embeddings.create(model="footnote-embedding", input=texts)
    plain = client.embeddings.create(model="footnote-embedding", input=texts, encoding_format="float")
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
        assert sum(x * x for x in one.embedding) == pytest.approx(1.0, abs=1e-4)
    assert [one.index for one in packed.data] == [0, 1]
    assert packed.usage.prompt_tokens > 0
    single = client.embeddings.create(model="footnote-embedding", input=texts[0])
    assert single.data[0].embedding == pytest.approx(packed.data[0].embedding, abs=1e-3)


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"input": [[1, 2, 3]]}, "input", "unsupported_parameter"),
        ({"input": [1, 2, 3]}, "input", "unsupported_parameter"),
        ({"dimensions": 8}, "dimensions", "unsupported_parameter"),
        ({"input": ["short", "long " * 3000]}, "input.1", "too_long_for_embedder"),
    ],
)
def test_what_cannot_be_embedded_is_refused(
    client: OpenAI, more: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(**{"model": "footnote-embedding", "input": "x", **more})
    assert (refused.value.param, refused.value.code) == (param, code)


def test_another_embedding_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="text-embedding-3-small", input="x")


def test_a_file_comes_and_goes(client: OpenAI) -> None:
    made = client.files.create(file=("note.txt", b"Herons nest in the old lock."), purpose="assistants")
    assert (made.filename, made.bytes, made.object) == ("note.txt", 28, "file")
    assert client.files.wait_for_processing(made.id, poll_interval=0.1).status == "processed"
    assert made.id in [one.id for one in client.files.list()]
    assert made.id in [one.id for one in client.files.list(limit=1)]  # page by page
    assert list(client.files.list(purpose="fine-tune")) == []
    assert client.files.content(made.id).content == b"Herons nest in the old lock."
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.APIStatusError) as gone:
        client.files.retrieve(made.id)
    assert (gone.value.status_code, gone.value.code) == (410, "document_deleted")


def test_files_for_something_else_are_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=io.BytesIO(b"{}"), purpose="fine-tune")
    assert refused.value.param == "purpose"
    with pytest.raises(openai.APIStatusError) as unread:
        client.files.create(file=("a.bin", bytes(range(256)) * 8), purpose="assistants")
    assert (unread.value.status_code, unread.value.code) == (415, "unsupported_type")


def test_a_store_is_searched(client: OpenAI, store: VectorStore) -> None:
    found = list(client.vector_stores.search(vector_store_id=store.id, query=OPENED, max_num_results=3))
    assert "1911" in found[0].content[0].text
    assert found[0].filename == "harbour.txt"
    assert all(0 <= one.score <= 1 for one in found)
    threshold: Any = {"score_threshold": 1.0}
    assert not list(
        client.vector_stores.search(vector_store_id=store.id, query="skates", ranking_options=threshold)
    )


def test_attributes_filter(client: OpenAI, store: VectorStore) -> None:
    made = client.vector_stores.create(name="attributes")
    for year in (1911, 1987):
        text = f"In {year} the boiler room was painted."
        file = client.files.create(file=(f"{year}.txt", text.encode()), purpose="assistants")
        added = client.vector_stores.files.create_and_poll(
            file.id, vector_store_id=made.id, attributes={"year": year, "kind": "note"}, poll_interval_ms=100
        )
        assert (added.status, added.attributes) == ("completed", {"year": year, "kind": "note"})

    def search(filters: Any) -> set[str]:
        return {
            one.filename
            for one in client.vector_stores.search(vector_store_id=made.id, query="boiler", filters=filters)
        }

    late = {"type": "gt", "key": "year", "value": 1950}
    note = {"type": "eq", "key": "kind", "value": "note"}
    early = {"type": "eq", "key": "year", "value": 1911}
    assert search(late) == {"1987.txt"}
    assert search({"type": "and", "filters": [late, note]}) == {"1987.txt"}
    assert search({"type": "or", "filters": [early, {**early, "value": 1987}]}) == {"1911.txt", "1987.txt"}
    with pytest.raises(openai.BadRequestError) as refused:
        search({"type": "or", "filters": [late, note]})
    assert refused.value.param == "filters"
    changed = client.vector_stores.files.update(added.id, vector_store_id=made.id, attributes={"year": 1})
    assert changed.attributes == {"year": 1}
    assert search(late) == set()


def test_a_store_comes_and_goes_and_its_files_stay(client: OpenAI) -> None:
    file = client.files.create(
        file=("lock.txt", b"The lock keeper's dog is called Otter."), purpose="user_data"
    )
    made = client.vector_stores.create(name="lock", file_ids=[file.id])
    assert made.id in [one.id for one in client.vector_stores.list()]
    client.vector_stores.files.poll(file.id, vector_store_id=made.id, poll_interval_ms=100)
    counted = client.vector_stores.retrieve(made.id)
    assert (counted.file_counts.completed, counted.file_counts.total, counted.status) == (1, 1, "completed")
    assert [one.id for one in client.vector_stores.files.list(made.id, filter="completed")] == [file.id]
    assert not list(client.vector_stores.files.list(made.id, filter="failed"))
    (page,) = client.vector_stores.files.content(file.id, vector_store_id=made.id)
    assert "Otter" in (page.text or "")
    with pytest.raises(openai.ConflictError) as elsewhere:
        client.vector_stores.files.create(vector_store_id=client.vector_stores.create().id, file_id=file.id)
    assert elsewhere.value.code == "file_in_other_store"
    assert client.vector_stores.files.delete(file.id, vector_store_id=made.id).deleted
    assert not list(client.vector_stores.search(vector_store_id=made.id, query="dog"))
    client.vector_stores.files.create(vector_store_id=made.id, file_id=file.id)
    assert list(client.vector_stores.search(vector_store_id=made.id, query="dog"))
    assert client.vector_stores.delete(made.id).deleted
    assert client.files.retrieve(file.id).status == "processed"
    client.files.delete(file.id)


def test_a_file_that_cannot_be_read_says_why(client: OpenAI, store: VectorStore) -> None:
    file = client.files.create(file=("broken.pdf", b"%PDF-1.4\nbroken"), purpose="assistants")
    made = client.vector_stores.create(name="broken")
    failed = client.vector_stores.files.create_and_poll(
        file.id, vector_store_id=made.id, poll_interval_ms=100
    )
    assert failed.status == "failed"
    assert failed.last_error is not None
    assert failed.last_error.code == "invalid_file"
    assert client.files.retrieve(file.id).status == "error"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"expires_after": {"anchor": "last_active_at", "days": 1}}, "expires_after"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"chunking_strategy": {"type": "static", "static": {}}}, "chunking_strategy"),
    ],
)
def test_promises_that_would_not_be_kept_are_not_made(
    client: OpenAI, more: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.vector_stores.create(name="never", **more)
    assert refused.value.param == param


def test_the_name_of_the_harbour_file_is_kept(client: OpenAI, store: VectorStore) -> None:
    (file,) = client.vector_stores.files.list(store.id)
    assert client.files.content(file.id).content == LIBRARY
