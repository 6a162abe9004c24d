from __future__ import annotations

from pathlib import Path

import pytest

from api.cli.folders.ignoring import Ignored, patterns_of
from rag.errors import BadRequest


@pytest.mark.parametrize(
    ("pattern", "left_out", "kept"),
    [
        ("*.log", ["a.log", "deep/er/b.log"], ["a.log.txt", "log"]),
        ("draft.txt", ["draft.txt", "x/draft.txt"], ["draft.txtx", "my-draft.txt"]),
        ("notes/*.md", ["notes/a.md"], ["notes/deep/a.md", "other/notes/a.md"]),
        ("/top.txt", ["top.txt"], ["x/top.txt"]),
        ("notes/**/a.md", ["notes/a.md", "notes/x/y/a.md"], ["a.md"]),
        ("build/", ["build/x", "deep/build/x/y"], ["build", "rebuild/x"]),
        ("a?c.txt", ["abc.txt"], ["ac.txt", "abbc.txt"]),
        ("[ab].txt", ["a.txt", "b.txt"], ["c.txt", "ab.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt"]),
        ("[draft.txt", ["[draft.txt"], ["draft.txt"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_patterns(pattern: str, left_out: list[str], kept: list[str]) -> None:
    ignored = Ignored([pattern])
    assert [path for path in left_out if not ignored.within(path)] == []
    assert [path for path in kept if ignored.within(path)] == []


def test_hidden_files_and_those_that_programs_write_in_passing_are_left_out() -> None:
    ignored = Ignored()
    for path in (".env", "x/.git/config", "report.docx~", "~$report.docx", "a.part", "node_modules/m/x.md"):
        assert ignored.within(path), path
    for path in ("env", "a.b/c.txt", "partly.txt", "temp"):
        assert not ignored.within(path), path


def test_a_folder_holds_one_pattern_a_line(tmp_path: Path) -> None:
    assert patterns_of(tmp_path) == []
    (tmp_path / ".footnoteignore").write_text("# generated\n\n  *.log \nbuild/\n")
    assert patterns_of(tmp_path) == ["*.log", "build/"]


@pytest.mark.parametrize(("line", "said"), [("!keep.log", "not supported"), ("/", "names nothing")])
def test_a_line_that_cannot_be_followed_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / ".footnoteignore").write_text(f"*.log\n{line}\n")
    with pytest.raises(BadRequest, match=rf"line 2: .*{said}") as refused:
        patterns_of(tmp_path)
    assert refused.value.code == "bad_ignore_pattern"


def test_a_choice_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequest, match="not a pattern"):
        Ignored(["[z-a].txt"])
