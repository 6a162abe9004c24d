from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
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


def test_the_release_is_told() -> None:
    told = _run("--version")
    assert (told.returncode, told.stdout) == (0, f"footnote {version('footnote')}\n")


def test_what_is_interrupted_is_status_130_without_a_word_of_python() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "api.cli", "ask", "What?", "--url", address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
            connection, _ = silent.accept()  # from here on it waits for an answer
            with connection:
                asking.send_signal(signal.SIGINT)
                printed, said = asking.communicate(timeout=60.0)
    assert asking.returncode == 130
    assert printed == ""
    assert "Traceback" not in said


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'fastapi', 'sqlalchemy', 'faiss', 'httpx'}"
    code = f"import sys, api.cli.commands; assert not {heavy} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
