from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsers.member_names import is_hidden, members_notice, safe_name, safe_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("docs/a.txt", "docs/a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("c:/windows/a.txt", "windows/a.txt"),
        ("//server//share/./a.txt", "server/share/a.txt"),
        (" a \n b ", "a b"),
        ("\u202egpj.exe", "gpj.exe"),
        ("", "unnamed"),
        ("../..", "unnamed"),
    ],
)
def test_paths(name: str, path: str) -> None:
    assert safe_path(name) == path


@given(st.text())
def test_no_path_leads_anywhere(name: str) -> None:
    path = safe_path(name)
    assert path
    assert len(path) <= 400
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/"))
    assert "/" not in safe_name(name)


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("a/.git/config", True),
        ("__MACOSX/a", True),
        ("a/Desktop.ini", True),
        ("a/b.txt", False),
        ("a..b", False),
    ],
)
def test_hidden_files(path: str, hidden: bool) -> None:
    assert is_hidden(path) is hidden


def test_notices_name_a_few_and_count_the_rest() -> None:
    assert members_notice("members_skipped", "Left out", []) == []
    (notice,) = members_notice("members_skipped", "Left out", [f"{number}.txt" for number in range(7)])
    assert notice.detail == "Left out: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more."
