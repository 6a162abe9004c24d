"""What a space is made of. Nothing here loads a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from rag.models.locations import default_embedder_path
from rag.models.model_folder import ModelFolder
from tests.rag.models import small_embedders

PACKAGED_SPACE = "af113d0e7132a64ebb3682b7b4a3a238e39534d76f6d30e74d1f899c1235e992"


@pytest.fixture
def narrow(tmp_path: Path) -> Path:
    return small_embedders.narrow(tmp_path / "narrow")


def test_the_packaged_space_is_the_one_that_libraries_remember() -> None:
    assert ModelFolder(default_embedder_path()).space_id == PACKAGED_SPACE


def test_a_layer_after_the_pooling_says_how_long_vectors_are(narrow: Path) -> None:
    folder = ModelFolder(narrow)
    assert (folder.dimension, folder.max_tokens) == (96, 64)
    assert not folder.pools_by_mean(), "no form of the transformer alone may stand in for it"


def test_other_weights_in_that_layer_are_another_space(narrow: Path) -> None:
    before = ModelFolder(narrow).space_id
    path = narrow / "2_Dense/model.safetensors"
    matrix = load_file(path)["linear.weight"]
    save_file({"linear.weight": np.ascontiguousarray(-matrix)}, path)
    assert ModelFolder(narrow).space_id != before


def test_a_prompt_before_every_text_is_another_space(narrow: Path) -> None:
    before = ModelFolder(narrow).space_id
    path = narrow / "config_sentence_transformers.json"
    described = json.loads(path.read_text()) | {"prompts": {"document": "passage: "}}
    path.write_text(json.dumps(described))
    assert ModelFolder(narrow).space_id == before, "it is not put before anything"
    path.write_text(json.dumps(described | {"default_prompt_name": "document"}))
    assert ModelFolder(narrow).space_id != before
