"""Other embedders, made from the packaged one in a second: real models in real, different spaces.

``shallow`` keeps the first two of its six layers. ``narrow`` also turns the vectors into 96 numbers by a
fixed random map, which keeps cosines roughly, and reads 64 tokens. ``useless`` has 2 numbers left.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from rag.models.locations import default_embedder_path
from rag.models.model_folder import WEIGHTS

_DENSE = "2_Dense"


def shallow(folder: Path, layers: int = 2) -> Path:
    """Write the model to ``folder`` and return it."""
    source = default_embedder_path()
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(WEIGHTS, "README.md", "data_config.json"))
    weights = load_file(source / WEIGHTS)
    dropped = tuple(f"encoder.layer.{number}." for number in range(layers, 6))
    save_file(
        {name: array for name, array in weights.items() if not name.startswith(dropped)},
        folder / WEIGHTS,
        metadata={"format": "pt"},
    )
    _change(folder / "config.json", num_hidden_layers=layers)
    return folder


def narrow(folder: Path, dimension: int = 96, max_tokens: int = 64) -> Path:
    shallow(folder)
    random = np.random.default_rng(dimension)
    (folder / _DENSE).mkdir()
    width = json.loads((folder / "config.json").read_text())["hidden_size"]
    matrix = random.standard_normal((dimension, width)).astype(np.float32) / np.float32(width**0.5)
    save_file({"linear.weight": matrix}, folder / _DENSE / WEIGHTS, metadata={"format": "pt"})
    described = {
        "in_features": width,
        "out_features": dimension,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    (folder / _DENSE / "config.json").write_text(json.dumps(described))
    modules = json.loads((folder / "modules.json").read_text())
    modules[2:] = [
        {"idx": 2, "name": "2", "path": _DENSE, "type": "sentence_transformers.models.Dense"},
        {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    _change(folder / "sentence_bert_config.json", max_seq_length=max_tokens)
    return folder


def useless(folder: Path) -> Path:
    return narrow(folder, dimension=2)


def _change(path: Path, **values: Any) -> None:
    described = json.loads(path.read_text())
    path.write_text(json.dumps(described | values))
