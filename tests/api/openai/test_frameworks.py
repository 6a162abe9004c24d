"""LangChain's and LlamaIndex's OpenAI clients against the same service."""

from __future__ import annotations

import asyncio

import pytest
from openai.types import VectorStore

from tests.api.openai.library import BY_WHOM, OPENED

MODEL = "footnote-quote:harbour"


def cosine(one: list[float], other: list[float]) -> float:
    """Of unit vectors."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_langchain_chats(base_url: str, store: VectorStore) -> None:
    chat_models = pytest.importorskip("langchain_openai")
    chat = chat_models.ChatOpenAI(model=MODEL, base_url=base_url, api_key="unused", max_retries=0)
    said = chat.invoke(OPENED)
    assert "1911" in said.content
    assert "".join(part.content for part in chat.stream(OPENED)) == said.content
    assert asyncio.run(chat.ainvoke(OPENED)).content == said.content
    followed = chat.invoke([("system", "Be brief."), ("human", OPENED), said, ("human", BY_WHOM)])
    assert "Brandt" in followed.content


def test_langchain_s_responses_search_files(base_url: str, store: VectorStore) -> None:
    chat_models = pytest.importorskip("langchain_openai")
    chat = chat_models.ChatOpenAI(
        model="footnote-quote", base_url=base_url, api_key="unused", use_responses_api=True
    )
    searching = chat.bind_tools([{"type": "file_search", "vector_store_ids": [store.id]}])
    said = searching.invoke(OPENED)
    assert "1911" in said.text
    cited = [one for block in said.content_blocks for one in block.get("annotations", ())]
    assert cited
    assert "".join(part.text for part in searching.stream(OPENED)) == said.text
    followed = searching.invoke(BY_WHOM, previous_response_id=said.response_metadata["id"])
    assert "Brandt" in followed.text


def test_langchain_embeds(base_url: str, store: VectorStore) -> None:
    embedders = pytest.importorskip("langchain_openai")
    embedder = embedders.OpenAIEmbeddings(
        model="footnote-embedding", base_url=base_url, api_key="unused", check_embedding_ctx_length=False
    )
    roof, copper, skates = embedder.embed_documents(["a copper roof", "roofs of copper", "skates for hire"])

    assert cosine(roof, copper) > cosine(roof, skates)


def test_llamaindex_chats(base_url: str, store: VectorStore) -> None:
    """``OpenAILike`` is LlamaIndex's class for services that are not OpenAI's own."""
    llms = pytest.importorskip("llama_index.llms.openai_like")
    message = pytest.importorskip("llama_index.core.llms").ChatMessage
    chat = llms.OpenAILike(model=MODEL, api_base=base_url, api_key="unused", is_chat_model=True)
    asked = [message(role="user", content=OPENED)]
    said = chat.chat(asked).message
    assert "1911" in said.content
    assert str(chat.complete(OPENED)) == said.content
    assert "".join(part.delta or "" for part in chat.stream_chat(asked)) == said.content
    assert asyncio.run(chat.achat(asked)).message.content == said.content
    followed = chat.chat([*asked, said, message(role="user", content=BY_WHOM)])
    assert "Brandt" in followed.message.content


def test_llamaindex_embeds(base_url: str, store: VectorStore) -> None:
    embedders = pytest.importorskip("llama_index.embeddings.openai_like")
    embedder = embedders.OpenAILikeEmbedding(
        model_name="footnote-embedding", api_base=base_url, api_key="unused"
    )
    roof, copper, skates = embedder.get_text_embedding_batch(
        ["a copper roof", "roofs of copper", "skates for hire"]
    )
    assert cosine(roof, copper) > cosine(roof, skates)
    assert cosine(embedder.get_query_embedding("a copper roof"), roof) == pytest.approx(1.0, abs=1e-5)
