from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def _run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean | variables,
    )


def test_nothing_listening_is_said_with_the_command_that_helps() -> None:
    asked = _run("ask", "What?", "--url", "http://127.0.0.1:9")
    assert asked.returncode == 1
    assert "footnote serve" in asked.stderr
    assert asked.stdout == ""


def test_a_wrong_setting_is_named() -> None:
    served = _run("serve", FOOTNOTE_PROT="1")
    assert served.returncode == 1
    assert "FOOTNOTE_PROT" in served.stderr


def test_wrong_usage_is_status_2(tmp_path: Path) -> None:
    assert _run("ask").returncode == 2
    assert _run("jobs", "retry").returncode == 2
    assert _run("add", str(tmp_path / "nothing")).returncode == 2
    assert _run("search", "x", "-k", "0").returncode == 2


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'fastapi', 'sqlalchemy', 'faiss', 'httpx'}"
    code = f"import sys, api.cli.commands; assert not {heavy} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
