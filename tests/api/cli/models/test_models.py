from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from rag.models.locations import default_model_path


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "models", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean | {"FOOTNOTE_MODELS": str(folder)},
    )


def test_a_form_is_made_listed_verified_and_put_into_force(tmp_path: Path) -> None:
    made = _run(tmp_path, "quantize", "packaged", "Q8_0", "--json")
    assert made.returncode == 0, made.stderr
    assert "stays" in made.stderr  # what the first quantization lost
    assert len(made.stderr.splitlines()) == 1
    entry = json.loads(made.stdout)
    assert (entry["form"], entry["kind"]) == ("Q8_0", "made")

    used = _run(tmp_path, "use", entry["name"])
    assert used.returncode == 0, used.stderr
    listed = json.loads(_run(tmp_path, "list", "--json").stdout)
    assert {one["name"]: one["in_force"] for one in listed} == {
        default_model_path().stem: False,
        entry["name"]: True,
    }

    Path(entry["path"]).write_bytes(b"GGUF")
    verified = _run(tmp_path, "verify", "--json")
    assert verified.returncode == 1
    assert [one["sound"] for one in json.loads(verified.stdout)] == [True, False]


def test_what_goes_wrong_is_one_line(tmp_path: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<html>")
    refused = _run(tmp_path, "import", str(page))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "web page" in refused.stderr
    unknown = _run(tmp_path, "use", "nothing")
    assert unknown.returncode == 1
    assert "footnote models list" in unknown.stderr
