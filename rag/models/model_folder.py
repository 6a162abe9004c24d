"""A sentence-transformers folder as it describes itself, read without loading any weights."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from rag.models.embedder import unusable
from rag.models.hashing import sha256_of
from rag.records import ModelIdentity

WEIGHTS = "model.safetensors"


class ModelFolder:
    """Everything here raises ``Unavailable`` (``model_unusable``) where a file is missing or damaged.

    Args:
        path: a model in sentence-transformers layout with safetensors weights.
        name: what the model is called; the folder's name by default.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name

    @cached_property
    def dimension(self) -> int:
        dense = self._dense()
        if dense:
            return int(self._configuration(f"{dense[-1]}/config.json")["out_features"])
        return int(self._configuration("config.json")["hidden_size"])

    @cached_property
    def max_tokens(self) -> int:
        return int(self._configuration("sentence_bert_config.json")["max_seq_length"])

    @cached_property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(self.name, self._hash_of(WEIGHTS))

    @cached_property
    def space_id(self) -> str:
        """Hash of the weights, the pooling configuration, the length limit, the normalisation, and of layers
        after the pooling and a prompt before every text, where there are any."""
        recipe = {
            "weights": self.identity.sha256,
            "pooling": self._configuration("1_Pooling/config.json"),
            "max_tokens": self.max_tokens,
            "normalisation": "l2",
        }
        recipe |= {name: self._hash_of(f"{name}/{WEIGHTS}") for name in self._dense()}
        prompt = self._prompt()
        if prompt:
            recipe["prompt"] = prompt
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

    def pools_by_mean(self) -> bool:
        """Whether a text's vector is the mean of its tokens' vectors and nothing else."""
        if self._dense() or self._prompt():
            return False
        modes = self._configuration("1_Pooling/config.json")
        return {name for name, on in modes.items() if on is True and name.startswith("pooling_mode_")} == {
            "pooling_mode_mean_tokens"
        }

    def _dense(self) -> list[str]:
        """Folders of the layers after the pooling, in order."""
        if not (self.path / "modules.json").exists():
            return []
        modules: Any = self._configuration("modules.json")
        return [str(one["path"]) for one in modules if str(one["type"]).endswith(".Dense")]

    def _prompt(self) -> str:
        """What sentence-transformers puts before every text unless it is told otherwise."""
        name = "config_sentence_transformers.json"
        described = self._configuration(name) if (self.path / name).exists() else {}
        default = described.get("default_prompt_name")
        return str(described.get("prompts", {}).get(default, "")) if default else ""

    def _hash_of(self, name: str) -> str:
        try:
            return sha256_of(self.path / name)
        except OSError as error:
            raise unusable(error) from error

    def _configuration(self, name: str) -> dict[str, Any]:
        try:
            values: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise unusable(error) from error
        return values
