from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.errors import Unavailable
from rag.models.embedder import unit
from rag.models.embeddings import SentenceTransformerEmbeddings
from rag.models.locations import default_embedder_path

TEXTS = [
    "A cat sat on the mat.",
    "Stocks fell sharply.",
    "A kitten rested on a rug.",
    "x " * 400,
    "",
    "日本語",
]


def test_shape_and_length(embeddings: SentenceTransformerEmbeddings) -> None:
    vectors = embeddings.encode(TEXTS)
    assert vectors.shape == (6, 384) == (6, embeddings.dimension)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_meaning(embeddings: SentenceTransformerEmbeddings) -> None:
    cat, stocks, kitten = embeddings.encode(TEXTS[:3])
    assert cat @ kitten > 0.5 > cat @ stocks


def test_order_and_batch_do_not_matter(embeddings: SentenceTransformerEmbeddings) -> None:
    texts = [f"word {'and more ' * (i % 40)} {i}" for i in range(70)]
    together = embeddings.encode(texts)
    for place in (0, 39, 69):
        np.testing.assert_allclose(together[place], embeddings.encode([texts[place]])[0], atol=1e-5)


def test_nothing(embeddings: SentenceTransformerEmbeddings) -> None:
    assert embeddings.encode([]).shape == (0, 384)
    assert embeddings.embed_documents([]) == []


def test_lists(embeddings: SentenceTransformerEmbeddings) -> None:
    vector = embeddings.embed_query("cat")
    assert isinstance(vector[0], float)
    assert embeddings.embed_documents(["cat"]) == [vector]


def test_lone_surrogates_are_replaced(embeddings: SentenceTransformerEmbeddings) -> None:
    np.testing.assert_array_equal(embeddings.encode(["a \ud800"]), embeddings.encode(["a ?"]))


def test_threads_share_it(embeddings: SentenceTransformerEmbeddings) -> None:
    expected = embeddings.encode(TEXTS[:3])
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(embeddings.encode(TEXTS[:3]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_what_it_is_is_known_without_loading() -> None:
    program = (
        "import sys\n"
        "from rag.models.embeddings import default_embeddings\n"
        "from rag.models.locations import default_embedder_path\n"
        "from rag.models.tokenizer import OffsetTokenizer\n"
        "e = default_embeddings()\n"
        "print(e.dimension, e.max_tokens, e.identity.sha256[:8], len(e.space_id), e.encode([]).shape,\n"
        "      OffsetTokenizer(default_embedder_path()).count('hello'), 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["384", "256", "53aa5117", "64", "(0,", "384)", "1", "False"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The model's folder with a link for the weights, to be changed by a test."""
    folder = tmp_path / "copy"
    source = default_embedder_path()
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").symlink_to(source / "model.safetensors")
    return folder


def test_space_changes_with_what_makes_the_vectors(
    embeddings: SentenceTransformerEmbeddings, copied: Path
) -> None:
    assert SentenceTransformerEmbeddings(copied).space_id == embeddings.space_id
    pooling = copied / "1_Pooling/config.json"
    values = json.loads(pooling.read_text())
    values["pooling_mode_mean_tokens"], values["pooling_mode_cls_token"] = False, True
    pooling.write_text(json.dumps(values))
    assert SentenceTransformerEmbeddings(copied).space_id != embeddings.space_id


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_parts(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(Unavailable) as caught:
        SentenceTransformerEmbeddings(copied).load()
    assert caught.value.code == "model_unusable"


def test_cut_weights(copied: Path) -> None:
    weights = copied / "model.safetensors"
    content = weights.read_bytes()[:1_000_000]
    weights.unlink()
    weights.write_bytes(content)
    with pytest.raises(Unavailable) as caught:
        SentenceTransformerEmbeddings(copied).encode(["x"])
    assert caught.value.code == "model_unusable"


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_vectors_that_cannot_be_used_are_refused(bad: float) -> None:
    vectors = np.full((2, 4), 0.5, dtype=np.float32)
    vectors[1] = bad
    with pytest.raises(Unavailable) as caught:
        unit(vectors)
    assert caught.value.code == "bad_embedding"
