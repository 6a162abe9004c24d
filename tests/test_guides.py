"""What the guides tell people to type, typed: every command and program in them, against one real service.

The Python client's guide is run by that client's own tests.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.api.serving import LIBRARY, served
from tests.conftest import ROOT

USUAL = "http://127.0.0.1:8321"
"""Where the guides say that the service is."""
PROGRAMS = {"footnote": [sys.executable, "-m", "api.cli"], "curl": ["curl", "-sS", "--fail-with-body"]}
BOARD = b"In May the board decided to close the east wing. The decision of the board was unanimous."
NOT_THERE = 3
ENDED = (0, 130)
SECONDS = 120.0


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("guides")) as service:
        yield service.address


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """A folder with the files that the guides name."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("report.pdf", "chronicle.pdf"):
        (folder / name).write_bytes((samples / "lighthouse-handbook.pdf").read_bytes() + f"%{name}".encode())
    for name, content in (("notes", BOARD), ("minutes", LIBRARY)):
        (folder / name).mkdir()
        (folder / name / "may.txt").write_bytes(content)
    (folder / "data").symlink_to(ROOT / "data")
    return folder


@pytest.fixture
def environment(address: str, desk: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    return clean | {"FOOTNOTE_URL": address, "XDG_CACHE_HOME": str(desk / ".cache"), "PYTHONPATH": str(ROOT)}


def blocks(guide: str, language: str) -> list[str]:
    """The fenced blocks of a guide in a language; "" for those that name none."""
    text = (ROOT / guide).read_text(encoding="utf-8")
    parts = re.split(r"^```(\w*)\n", text, flags=re.MULTILINE)
    # Between them stand, in turn, text, the language of a block, and the block; its end names no language.
    return [block for named, block in zip(parts[1::4], parts[2::4], strict=True) if named == language]


def commands(guide: str) -> list[list[str]]:
    """The words of every command in a guide, without the shell's own: continued lines, comments, prompts."""
    found, begun = [], ""
    for block in blocks(guide, "") + blocks(guide, "console"):
        prompted = "$ " in block
        for line in block.splitlines():
            if prompted and not begun and not line.startswith("$ "):
                continue  # what the command printed
            begun += line.removeprefix("$ ")
            if begun.endswith("\\"):
                begun = begun[:-1]
                continue
            try:
                words = shlex.split(begun, comments=True)
            except ValueError:  # a quotation that goes on in the next line
                begun += "\n"
                continue
            begun = ""
            if words and words[0] in PROGRAMS:
                found.append(words)
    return found


def argv(words: Sequence[str], address: str) -> list[str]:
    return [*PROGRAMS[words[0]], *(word.replace(USUAL, address) for word in words[1:])]


def stays(words: Sequence[str]) -> bool:
    """Whether it runs until it is interrupted."""
    return words[0] == "footnote" and words[1] in ("watch", "serve", "mcp")


@pytest.mark.parametrize(
    "guide",
    [
        pytest.param("README.md", marks=pytest.mark.slow),  # what it shows is in the guides below as well
        "docs/cli.md",
        "docs/rest.md",
        "docs/openai.md",
    ],
)
def test_every_command_does_what_it_is_shown_for(
    guide: str, address: str, desk: Path, environment: dict[str, str]
) -> None:
    typed = commands(guide)
    assert len(typed) >= 2
    for words in typed:
        if stays(words):
            continue
        done = subprocess.run(
            argv(words, address), cwd=desk, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
        allowed = (0, NOT_THERE) if words[:2] == ["footnote", "ask"] else (0,)
        assert done.returncode in allowed, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip(), words
        if words[0] == "curl":
            assert isinstance(json.loads(done.stdout), dict)


def test_a_folder_is_watched_until_one_interrupts(
    address: str, desk: Path, environment: dict[str, str]
) -> None:
    words = next(words for words in commands("README.md") if words[:2] == ["footnote", "watch"])
    with subprocess.Popen(
        argv(words, address), cwd=desk, env=environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert "notes" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(SECONDS) in ENDED


@pytest.mark.parametrize("guide", ["README.md", "docs/openai.md"])
def test_every_program_runs(
    guide: str,
    address: str,
    desk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("FOOTNOTE_URL", address)
    programs = blocks(guide, "python")
    assert programs
    known: dict[str, object] = {}
    for program in programs:  # each goes on where the one before it ended, as a reader would
        missing = [name for name in re.findall(r"^from (\w+)", program, re.MULTILINE) if not _is_here(name)]
        if missing:
            continue
        exec(compile(program.replace(USUAL, address), guide, "exec"), known)
        assert capsys.readouterr().out.strip(), program


def _is_here(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True


async def test_an_assistant_starts_the_server_as_its_settings_say(environment: dict[str, str]) -> None:
    settings = json.loads(blocks("docs/mcp.md", "json")[0])["mcpServers"]["footnote"]
    command, *first = PROGRAMS[settings["command"]]
    arguments = [*first, *settings["args"]]
    async with Client(StdioServerParameters(command=command, args=arguments, env=environment)) as client:
        assert "ask" in {tool.name for tool in (await client.list_tools()).tools}


async def test_an_assistant_is_served_over_http(address: str, environment: dict[str, str]) -> None:
    words = next(words for words in commands("docs/mcp.md") if "--http" in words)
    words[words.index("--port") + 1] = "0"  # the named one may be taken
    with subprocess.Popen(
        argv(words, address), env=environment, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr is not None
        try:
            async with Client(serving.stderr.readline().split()[-1]) as client:
                assert "ask" in {tool.name for tool in (await client.list_tools()).tools}
        finally:
            serving.terminate()
