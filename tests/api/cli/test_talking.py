"""Commands that ask, against a real service, as a shell runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from api.cli.commands import app
from tests.api.serving import OPENED, served_with_library

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with served_with_library(tmp_path_factory.mktemp("service")) as (service, document):
        yield service.address, document


@pytest.fixture
def run(library: tuple[str, str]) -> Run:
    def called(*arguments: str, text: str | None = None) -> Result:
        environment = {"FOOTNOTE_URL": library[0], "FOOTNOTE_KEY": ""}
        return CliRunner().invoke(app, list(arguments), env=environment, input=text)

    return called


def test_an_answer_is_printed_with_numbered_sources_and_marks(run: Run) -> None:
    asked = run("ask", OPENED)
    assert asked.exit_code == 0
    answer, sources = asked.stdout.split("\nSources\n")
    assert "The reading room of the Harbour Library was opened on 3 May 1911" in answer
    assert answer.splitlines()[0].endswith("[1] =")
    assert sources.startswith("[1] harbour.txt\n    “")
    assert "= word for word in its source" in sources
    assert "\x1b" not in asked.stdout


def test_json_is_the_answer_itself(run: Run) -> None:
    answer = json.loads(run("ask", OPENED, "--json").stdout)
    assert answer["citations"][0]["number"] == 1
    assert json.loads(run("search", "skates", "-k", "1", "--json").stdout)["hits"]


def test_what_is_not_in_the_documents_is_status_3(run: Run) -> None:
    asked = run("ask", "Which enzyme unwinds xyzzy?")
    assert asked.exit_code == 3
    assert asked.stdout.startswith("Not in these documents.")
    assert run("ask", "Which enzyme unwinds xyzzy?", "--json").exit_code == 3


def test_a_citation_is_shown_in_its_context(run: Run, library: tuple[str, str]) -> None:
    answer = json.loads(run("ask", OPENED, "--json").stdout)
    cited = next(one for one in answer["citations"] if "84 seats" in one["quote"])
    named = run("show", f"{answer['id']}:{cited['number']}")
    assert named.exit_code == 0, named.output
    assert f"»{cited['quote']}«" in named.stdout
    assert "3 May 1911" in named.stdout
    place = f"{library[1]}@1:{cited['start']}-{cited['end']}"
    shown = json.loads(run("show", place, "--json", "--context", "5").stdout)
    assert shown["quote"] == cited["quote"]
    assert shown["context"]["text"].startswith(cited["quote"])


def test_a_number_alone_means_the_newest_answer(run: Run) -> None:
    run("ask", OPENED)
    assert run("show", "1").exit_code == 0
    missing = run("show", "99")
    assert missing.exit_code == 1
    assert "has no footnote 99; it has [1]" in missing.stderr
    assert run("show", "nonsense").exit_code == 1


def test_a_chat_goes_on_whatever_is_typed(run: Run) -> None:
    typed = [
        OPENED,
        "/show 1",
        "/sources",
        "/mode quote",
        "/collection none",
        "/what",
        "/new",
        "/help",
        "/quit",
    ]
    talked = run("chat", "--conversation", "talk", text="\n".join([*typed, "never read"]))
    assert talked.exit_code == 0, talked.output
    assert talked.stdout.startswith("1 document at http://127.0.0.1:")
    assert "[1] harbour.txt" in talked.stdout
    assert "»" in talked.stdout
    assert "collection_not_found" in talked.stdout
    assert "no such command" in talked.stdout
    assert "never read" not in talked.stdout
    forgotten = run("chat", text="")
    assert forgotten.exit_code == 0


def test_collections_and_speed(run: Run) -> None:
    assert run("collections", "create", "minutes").exit_code == 0
    assert "minutes" in run("collections", "list").stdout
    assert run("collections", "create", "minutes").exit_code == 1
    assert json.loads(run("collections", "delete", "minutes", "--json").stdout) == {"deleted": "minutes"}
    times = json.loads(run("bench", "--searches", "2", "--questions", "1", "--json").stdout)
    assert times["searches"] == 2
    assert times["search_p50"] > 0
    assert times["answer_p50"] > 0


def test_wrong_usage_is_status_2(run: Run) -> None:
    assert run("ask", OPENED, "--mode", "loudly").exit_code == 2
    assert run("show").exit_code == 2
    assert run("mcp", "--port", "-1").exit_code == 2


def test_what_cannot_be_reached_or_opened_is_status_1(run: Run, library: tuple[str, str]) -> None:
    away = run("ask", OPENED, "--url", "http://127.0.0.1:9")
    assert (away.exit_code, away.stdout) == (1, "")
    assert "footnote serve" in away.stderr
    assert run("ask", OPENED, "--url", "nonsense").exit_code == 1
    assert run("mcp", "--root", os.fspath(os.curdir)).exit_code == 1


def test_the_shell_is_told_how_to_complete() -> None:
    variables = os.environ | {
        "_FOOTNOTE_COMPLETE": "complete_bash",
        "COMP_WORDS": "footnote col",
        "COMP_CWORD": "1",
    }
    completed = subprocess.run(
        [sys.executable, "-m", "api.cli"], env=variables, capture_output=True, text=True, check=False
    )
    assert completed.stdout.split() == ["collections"]
