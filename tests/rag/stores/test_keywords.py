from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.stores import keyword_index, keyword_segments, keywords, scopes
from rag.stores.access import LOCAL
from rag.stores.keywords import Keywords, Wanted
from rag.stores.scopes import EVERYWHERE, Scope
from tests.rag.stores.library import Library

WORDS = ["ferry", "harbour", "lamps", "tide", "keeper", "logbook", "storms", "whale", "anchors", "pilot"]
EVERY = Wanted(WORDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "indexes" / "keywords"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword_segments, "SEGMENT", 16)


def _texts(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        " ".join(chance.choices(WORDS, weights=range(1, 11), k=chance.randrange(2, 12))) for _ in range(count)
    ]


def _opened(library: Library, folder: Path) -> Keywords:
    found = Keywords(folder)
    with library.database.read() as tx:
        found.open(tx)
    return found


def _same_as_fts5(library: Library, mine: Keywords, *wanted: Wanted, coarse: float = 0.1) -> None:
    """``coarse`` where FTS5 counts the withdrawn, or the average length is another than at first."""
    with library.database.read() as tx:
        for one in wanted:
            expected = dict(keyword_index.search(tx, one.expression, 1000, EVERYWHERE))
            found = dict(mine.search(tx, one, 1000, EVERYWHERE))
            assert set(found) == set(expected)
            for chunk, score in found.items():
                assert score == pytest.approx(expected[chunk], abs=coarse)
            assert mine.count(tx, one, EVERYWHERE, 1000) == len(expected)
        stems = ["ferri", "lamp", "anchor", "logbook", "unheard"]
        assert mine.frequencies(tx, stems, EVERYWHERE) == keyword_index.document_frequencies(
            tx, stems, EVERYWHERE
        )


def test_posting_lists_say_what_fts5_says(library: Library, folder: Path) -> None:
    for number in range(3):
        library.add(_texts(30, number), f"{number}.txt")
    keyword_segments.update(library.database, folder)
    mine = _opened(library, folder)
    assert mine.covered == 90
    _same_as_fts5(library, mine, EVERY, *(Wanted([word]) for word in WORDS), Wanted(["whale", "unheard"]))
    _same_as_fts5(library, mine, Wanted(["pilot"], ["ferri"]))
    _same_as_fts5(library, mine, Wanted(["tide", "ferry", "tides", "ferries"]), coarse=0.2)


def test_without_posting_lists_it_is_fts5(library: Library, folder: Path) -> None:
    library.add(_texts(20, 1))
    for mine in (Keywords(), _opened(library, folder)):
        assert mine.covered == 0
        _same_as_fts5(library, mine, EVERY)


def test_what_came_since_is_found_and_what_went_is_not(library: Library, folder: Path) -> None:
    gone = library.add(_texts(20, 1), "gone.txt")
    library.add(_texts(40, 2), "stays.txt")
    keyword_segments.update(library.database, folder)
    mine = _opened(library, folder)
    library.remove(gone)
    library.add(["a whale and a narwhal", "the keeper of the ferry", "narwhal"], "new.txt")
    with library.database.read() as tx:
        for one in (EVERY, Wanted(["narwhal", "whale"]), Wanted(["keeper"])):
            expected = {chunk for chunk, _ in keyword_index.search(tx, one.expression, 1000, EVERYWHERE)}
            assert {chunk for chunk, _ in mine.search(tx, one, 1000, EVERYWHERE)} == expected
            assert len(mine.search(tx, one, 5, EVERYWHERE)) == min(5, len(expected))
        assert mine.frequencies(tx, ["narwhal"], EVERYWHERE) == {"narwhal": 2}
        assert mine.count(tx, Wanted(["narwhal"]), EVERYWHERE, 10) == 2
        assert mine.search(tx, Wanted(["narwhal"]), 5, EVERYWHERE)[0][0] in (61, 63)


def test_a_scope_holds_in_lists_and_in_what_came_since(library: Library, folder: Path) -> None:
    library.add(_texts(20, 1), "a.txt", metadata={"side": "left"})
    library.add(_texts(20, 2), "b.txt", metadata={"side": "right"})
    keyword_segments.update(library.database, folder)
    mine = _opened(library, folder)
    library.add(["ferry narwhal"], "c.txt", metadata={"side": "left"})
    library.add(["ferry narwhal"], "d.txt", metadata={"side": "right"})
    with library.database.read() as tx:
        for side in ("left", "right"):
            scope = scopes.resolve(tx, Scope(LOCAL, filter={"metadata.side": side}))
            expected = {chunk for chunk, _ in keyword_index.search(tx, EVERY.expression, 99, scope)}
            assert {chunk for chunk, _ in mine.search(tx, EVERY, 99, scope)} == expected
            assert mine.count(tx, EVERY, scope, 99) == len(expected)
            assert mine.frequencies(tx, ["narwhal"], scope) == {"narwhal": 1}
            before = keyword_index.document_frequencies(tx, ["whale"], scope)
            assert mine.frequencies(tx, ["whale"], scope) == before


def test_later_chunks_become_segments_and_small_segments_are_joined(library: Library, folder: Path) -> None:
    sizes = []
    for number in range(12):
        library.add(_texts(7, number), f"{number}.txt")
        keyword_segments.update(library.database, folder)
        sizes.append([part.chunks for part in keyword_segments.read_manifest(folder).parts])
        _same_as_fts5(library, _opened(library, folder), EVERY, Wanted(["whale"]), coarse=0.5)
    assert max(map(len, sizes)) <= 4
    assert len(list(folder.iterdir())) == len(sizes[-1]) + 1, "nothing else is left there"


def test_much_that_went_has_everything_made_anew(library: Library, folder: Path) -> None:
    gone = library.add(_texts(30, 1), "gone.txt")
    library.add(_texts(30, 2), "stays.txt")
    keyword_segments.update(library.database, folder)
    library.remove(gone)
    keyword_segments.update(library.database, folder)
    assert keyword_segments.read_manifest(folder).chunks == 30
    _same_as_fts5(library, _opened(library, folder), EVERY, coarse=10.0)


@pytest.mark.parametrize("name", ["stems.npy", "starts.npy", "ids.npy", "impacts.npy", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damaged_files_are_not_believed(library: Library, folder: Path, name: str, damage: str) -> None:
    library.add(_texts(20, 1))
    keyword_segments.update(library.database, folder)
    path = next(folder.rglob(name))
    whole = path.read_bytes()
    if damage == "flip":
        path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:])
    elif damage == "cut":
        path.write_bytes(whole[:-1])
    else:
        path.unlink()
    assert _opened(library, folder).covered == 0
    keyword_segments.update(library.database, folder)
    _same_as_fts5(library, _opened(library, folder), EVERY)


def test_lists_of_another_history_are_not_believed(library: Library, folder: Path) -> None:
    library.add(_texts(20, 1))
    other = _texts(20, 9)
    keyword_segments.update(library.database, folder)
    with library.database.write() as tx:  # the same ids, other words
        keyword_index.delete(tx, 1, 20)
        tx.exec_driver_sql("UPDATE text_pieces SET text = ?", (_padded(other),))
        keyword_index.insert(tx, [(at, "context", said) for at, said in enumerate(other, start=1)])
    assert _opened(library, folder).covered == 0


def _padded(texts: list[str]) -> str:
    return " ".join(["something", "else"] * 500) + " ".join(texts)


def test_a_child_process_brings_them_up_to_date(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keywords, "LARGE", 50)
    library.add(_texts(40, 1), "a.txt")
    mine = Keywords(folder)
    assert _maintained(library, mine) == 0, "it is small"
    library.add(_texts(40, 2), "b.txt")
    monkeypatch.setattr(keywords, "_BEHIND", 10)
    assert _maintained(library, mine) == 80
    _same_as_fts5(library, mine, EVERY)
    library.add(_texts(20, 3), "c.txt")
    assert _maintained(library, mine) == 100
    mine.close()


def _maintained(library: Library, mine: Keywords) -> int:
    """How many chunks are covered once what was started has come to its end."""
    for _ in _until(seconds=60):
        with library.database.read() as tx:
            mine.maintain(tx, library.database.path)
        if mine._update is None:
            break
    return mine.covered


def _until(seconds: float) -> Iterator[None]:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        yield
        time.sleep(0.05)
