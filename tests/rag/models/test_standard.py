"""langchain-tests' published suites over our chat model and embeddings.

Left out by the suite's own switches, because a 135M text model has nothing to offer there: tool
calling and tool choice, structured output, JSON mode, pictures, PDFs, sound, Anthropic's message
format, choosing another model per call (one file is loaded), recorded network traffic (there is none)
and construction from environment variables (the generator is handed in).
"""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from rag.errors import BadRequest
from rag.models.chat import LocalChatModel
from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.generator import Generator
from rag.models.locations import default_embedder_path


class _Chat:
    @pytest.fixture(autouse=True)
    def _with_generator(self, generator: Generator) -> None:
        self.generator = generator

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"generator": self.generator}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        return {"temperature": 0.0, "max_tokens": 24}

    has_tool_calling = False
    has_tool_choice = False
    has_structured_output = False
    returns_usage_metadata = True


class TestChatUnit(_Chat, ChatModelUnitTests):
    pass


class TestChatIntegration(_Chat, ChatModelIntegrationTests):
    pass


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return SentenceTransformerEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"folder": default_embedder_path()}


class TestEmbeddingsIntegration(EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _with_embeddings(self, embeddings: SentenceTransformerEmbeddings) -> None:
        self.embeddings = embeddings

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return SentenceTransformerEmbeddings

    @pytest.fixture
    def model(self) -> Embeddings:
        return self.embeddings


def test_call_time_options(generator: Generator) -> None:
    model = LocalChatModel(generator=generator, max_tokens=30)
    answer = model.invoke("Count from one to fifty.", max_tokens=3)
    assert isinstance(answer, AIMessage)
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 3
    assert answer.response_metadata["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (ToolMessage("x", tool_call_id="1"), "unsupported_message"),
        (HumanMessage([{"type": "image_url", "image_url": {"url": "data:"}}]), "unsupported_content"),
    ],
)
def test_what_it_cannot_read_is_refused(generator: Generator, message: Any, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        LocalChatModel(generator=generator).invoke([HumanMessage("hi"), message])
    assert caught.value.code == code


def test_leaving_a_stream_cancels_it(generator: Generator) -> None:
    stream = LocalChatModel(generator=generator, max_tokens=700).stream("Tell me a long story.")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert LocalChatModel(generator=generator).invoke("Hi", max_tokens=2).content
