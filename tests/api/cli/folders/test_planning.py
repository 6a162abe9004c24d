from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.folders.planning import Action, ActionKind, LocalFile, RemoteFile, plan

ADDED, CHANGED, MOVED = ActionKind.ADDED, ActionKind.CHANGED, ActionKind.MOVED
GONE, UNCHANGED = ActionKind.GONE, ActionKind.UNCHANGED


def _local(**files: str) -> list[LocalFile]:
    return [LocalFile(f"d/{name}", sha256, 10) for name, sha256 in files.items()]


def _remote(**files: str) -> list[RemoteFile]:
    return [RemoteFile(f"d/{name}", sha256, f"doc_{name}") for name, sha256 in files.items()]


def _kinds(actions: list[Action]) -> dict[str, ActionKind]:
    return {action.source.removeprefix("d/"): action.kind for action in actions}


@pytest.mark.parametrize(
    ("local", "remote", "expected"),
    [
        ({}, {}, {}),
        ({"a": "1"}, {}, {"a": ADDED}),
        ({"a": "1"}, {"a": "1"}, {"a": UNCHANGED}),
        ({"a": "2"}, {"a": "1"}, {"a": CHANGED}),
        ({}, {"a": "1"}, {"a": GONE}),
        ({"b": "1"}, {"a": "1"}, {"b": MOVED}),
        # A copy is a document of its own, whether it is new or takes the place of another.
        ({"a": "1", "b": "1"}, {"a": "1"}, {"a": UNCHANGED, "b": ADDED}),
        ({"a": "1", "b": "1"}, {}, {"a": ADDED, "b": ADDED}),
        ({"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": UNCHANGED, "b": CHANGED}),
        # The place decides before the bytes: two files that change places are two changes.
        ({"a": "2", "b": "1"}, {"a": "1", "b": "2"}, {"a": CHANGED, "b": CHANGED}),
        ({"b": "1", "c": "2"}, {"a": "1", "b": "2"}, {"a": GONE, "b": CHANGED, "c": ADDED}),
        # Moved and rewritten in one go cannot be told from one gone and one new.
        ({"b": "2"}, {"a": "1"}, {"a": GONE, "b": ADDED}),
    ],
)
def test_each_file_and_document_has_its_action(
    local: dict[str, str], remote: dict[str, str], expected: dict[str, ActionKind]
) -> None:
    assert _kinds(plan(_local(**local), _remote(**remote))) == expected


def test_a_move_says_which_document_and_where_it_was() -> None:
    assert plan(_local(b="1"), _remote(a="1")) == [Action(MOVED, "d/b", 10, "doc_a", "d/a")]


def test_a_change_names_its_document() -> None:
    assert plan(_local(a="2"), _remote(a="1")) == [Action(CHANGED, "d/a", 10, "doc_a")]


def test_of_several_that_went_away_the_one_with_the_same_name_moved() -> None:
    remote = [
        RemoteFile("d/1/x.txt", "s", "doc_x"),
        RemoteFile("d/2/y.txt", "s", "doc_y"),
        RemoteFile("d/3/z.txt", "s", "doc_z"),
    ]
    local = [LocalFile("d/new/z.txt", "s", 1), LocalFile("d/new/y.txt", "s", 1)]
    moves = {one.source: one.document_id for one in plan(local, remote) if one.kind is MOVED}
    assert moves == {"d/new/z.txt": "doc_z", "d/new/y.txt": "doc_y"}
    assert [one.document_id for one in plan(local, remote) if one.kind is GONE] == ["doc_x"]


def test_two_new_copies_of_one_that_went_away_are_a_move_and_an_addition() -> None:
    assert sorted(_kinds(plan(_local(b="1", c="1"), _remote(a="1"))).items()) == [("b", MOVED), ("c", ADDED)]


def test_what_could_not_be_looked_at_is_left_alone() -> None:
    remote = [
        RemoteFile("d/locked/a", "1", "doc_a"),
        RemoteFile("d/locked/deep/b", "2", "doc_b"),
        RemoteFile("d/locked.txt", "3", "doc_c"),
        RemoteFile("d/file", "4", "doc_d"),
    ]
    actions = plan([LocalFile("d/copy", "1", 1)], remote, unknown={"d/locked", "d/file"})
    # d/locked.txt only begins like the locked folder; d/copy may still lie in the locked folder as well.
    assert _kinds(actions) == {"copy": ADDED, "locked.txt": GONE}


def test_moves_come_first_and_removals_after_all_that_is_sent() -> None:
    actions = plan(_local(n="9", c="2", m="5", u="7"), _remote(c="1", o="5", g="6", u="7"))
    assert [action.kind for action in actions] == [MOVED, CHANGED, ADDED, GONE, UNCHANGED]


_FOLDERS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("1234"))


@given(_FOLDERS, _FOLDERS)
def test_carried_out_it_makes_the_service_have_what_the_folder_has(
    local: dict[str, str], remote: dict[str, str]
) -> None:
    actions = plan(_local(**local), _remote(**remote))
    documents = {f"doc_{name}": (f"d/{name}", sha256) for name, sha256 in remote.items()}
    bytes_at = {f"d/{name}": sha256 for name, sha256 in local.items()}
    for number, action in enumerate(actions):
        match action.kind:
            case ActionKind.MOVED:
                assert action.document_id is not None
                where, sha256 = documents[action.document_id]
                assert where == action.before
                assert all(action.source != taken for taken, _ in documents.values())
                documents[action.document_id] = (action.source, sha256)
            case ActionKind.CHANGED:
                assert action.document_id is not None
                documents[action.document_id] = (action.source, bytes_at[action.source])
            case ActionKind.ADDED:
                documents[f"new_{number}"] = (action.source, bytes_at[action.source])
            case ActionKind.GONE:
                assert action.document_id is not None
                del documents[action.document_id]
    assert dict(documents.values()) == bytes_at
    assert len(documents) == len(bytes_at)
    again = plan(
        _local(**local), [RemoteFile(where, sha256, name) for name, (where, sha256) in documents.items()]
    )
    assert {action.kind for action in again} <= {UNCHANGED}
