from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.errors import Unavailable
from rag.models.embeddings import SentenceTransformerEmbeddings, embeddings_at, languages_of
from rag.models.locations import default_embedder_path
from rag.models.model_folder import ModelFolder
from rag.models.onnx_embeddings import OnnxEmbeddings, batches, onnx_form_of

LEAST_COSINE = 0.995


@pytest.fixture(scope="session")
def onnx() -> OnnxEmbeddings:
    made = embeddings_at(None, threads=2)
    assert isinstance(made, OnnxEmbeddings)
    return made


def _texts(samples: Path) -> list[str]:
    """Pieces of every length, from a letter to more than the model reads."""
    words = " ".join(
        path.read_text(encoding="utf-8")
        for path in sorted(samples.glob("*"))
        if path.suffix in (".md", ".txt")
    ).split()
    lengths = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 300)
    pieces = [
        " ".join(words[at : at + length])
        for number, length in enumerate(lengths)
        for at in range(7 * number, len(words) - length, max(97, 3 * length))
    ]
    return [*pieces, "x", "日本語 テキスト", "def f(x): return x + 1", "12 345,67 €", "A" * 3000, "", "👩‍🔬"]


def _least_cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum(axis=1).min())


def test_it_is_the_same_model(
    onnx: OnnxEmbeddings, embeddings: SentenceTransformerEmbeddings, samples: Path
) -> None:
    texts = _texts(samples)
    assert len(texts) > 100
    assert _least_cosine(onnx.encode(texts), embeddings.encode(texts)) >= LEAST_COSINE
    assert onnx.space_id == embeddings.space_id
    assert onnx.identity.sha256 == embeddings.identity.sha256
    assert (onnx.dimension, onnx.max_tokens) == (embeddings.dimension, embeddings.max_tokens)


def test_bfloat16_is_the_same_model(embeddings: SentenceTransformerEmbeddings, samples: Path) -> None:
    half = SentenceTransformerEmbeddings(default_embedder_path(), threads=2, half=True)
    texts = _texts(samples)[::4]
    vectors = half.encode(texts)
    assert vectors.dtype == np.float32
    assert _least_cosine(vectors, embeddings.encode(texts)) >= LEAST_COSINE
    assert half.space_id == embeddings.space_id


@pytest.mark.slow
def test_it_is_the_same_model_on_other_texts(
    onnx: OnnxEmbeddings, embeddings: SentenceTransformerEmbeddings, shared: Path
) -> None:
    lines = [
        line
        for name in ("reading", "retrieval")
        for line in (shared / "evals" / name / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[::16]
    ]
    texts = [json.loads(line)["text"] for line in lines]
    assert _least_cosine(onnx.encode(texts), embeddings.encode(texts)) >= LEAST_COSINE


def test_shape_order_and_company_do_not_matter(onnx: OnnxEmbeddings) -> None:
    texts = [f"word {'and more ' * (i % 40)} {i}" for i in range(70)]
    together = onnx.encode(texts)
    assert together.shape == (70, 384)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for place in (0, 39, 69):
        np.testing.assert_allclose(together[place], onnx.encode([texts[place]])[0], atol=1e-5)


def test_nothing(onnx: OnnxEmbeddings) -> None:
    assert onnx.encode([]).shape == (0, 384)
    assert onnx.embed_documents([]) == []


def test_lone_surrogates_are_replaced(onnx: OnnxEmbeddings) -> None:
    np.testing.assert_array_equal(onnx.encode(["a \ud800"]), onnx.encode(["a ?"]))


def test_threads_share_it(onnx: OnnxEmbeddings) -> None:
    texts = ["A cat sat on the mat.", "Stocks fell sharply.", "More " * 50]
    expected = onnx.encode(texts)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(onnx.encode(texts))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_torch_is_not_imported() -> None:
    program = (
        "import sys\n"
        "from rag.models.embeddings import embeddings_at\n"
        "embedder = embeddings_at(None, threads=1)\n"
        "print(len(embedder.space_id), embedder.dimension, 'onnxruntime' in sys.modules)\n"
        "print(embedder.encode(['hello']).shape)\n"
        "print([one for one in ('torch', 'transformers', 'sentence_transformers') if one in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["64 384 False", "(1, 384)", "[]"]


def test_weights_without_such_a_form_run_on_sentence_transformers(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"others")
    made = embeddings_at(tmp_path)
    assert isinstance(made, SentenceTransformerEmbeddings)
    assert languages_of(made) is None


def test_another_pooling_has_no_such_form(tmp_path: Path) -> None:
    source = default_embedder_path()
    (tmp_path / "model.safetensors").symlink_to(source / "model.safetensors")
    (tmp_path / "1_Pooling").mkdir()
    modes = json.loads((source / "1_Pooling/config.json").read_text())
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(modes))
    assert onnx_form_of(ModelFolder(tmp_path)) is not None
    modes |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(modes))
    assert onnx_form_of(ModelFolder(tmp_path)) is None


def test_damaged_weights(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"\x08\x07broken")
    with pytest.raises(Unavailable) as caught:
        OnnxEmbeddings(ModelFolder(default_embedder_path()), weights).load()
    assert caught.value.code == "model_unusable"


def test_what_it_speaks(onnx: OnnxEmbeddings) -> None:
    assert languages_of(onnx) == frozenset({"en"})


def test_batches_are_bounded_and_complete() -> None:
    lengths = [3, 300, 5, 4, 100, 90, 2, 2]
    groups = list(batches(lengths, 200))
    assert sorted(at for group in groups for at in group) == list(range(len(lengths)))
    assert groups[0] == [1]  # longer than a batch may be: alone
    for group in groups[1:]:
        assert max(lengths[at] for at in group) * len(group) <= 200
    assert list(batches([], 10)) == []
