"""Lexical search of a library of any size: by FTS5 alone, or by posting lists and FTS5 for what came since.

FTS5 looks at every chunk that holds any word of the question: half a second for a million. Posting lists
(``keyword_ranking``) look at few. They are made in the background and are always behind; the chunks they do
not have yet are numbered after all that they have, and FTS5 finds those by themselves.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import func, select, text

from rag.stores import keyword_index, keyword_segments
from rag.stores.database import Tx, fetch
from rag.stores.keyword_ranking import KeywordRanking
from rag.stores.scopes import ResolvedScope
from rag.stores.tables import chunks
from rag.text.words import STOPWORDS, stem

_log = structlog.get_logger(__name__)

LARGE = 5_000
"""Chunks from which on posting lists are kept: they save 8 ms of a search among 10,000."""
_BEHIND = 2_000
"""Chunks that came since from which on they are brought up to date."""
_TAIL = 2_000
"""Matches of one word that are looked at among the chunks that came since."""
_USUAL_WORTH = 1.0
"""BM25's factor of a word said once in a passage of usual length: what FTS5 finds is not counted out."""
_EVERYWHERE = frozenset(map(stem, STOPWORDS))

_SINCE = text(
    "SELECT rowid FROM keywords WHERE keywords MATCH :expression AND rowid > :last "
    "ORDER BY rowid DESC LIMIT :most"
)
_NEWEST = "SELECT max(id) FROM chunks"
_ALIVE = "SELECT id FROM chunks WHERE id IN (SELECT value FROM json_each(?))"

Scores = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for: words as they were asked, and stems taken for words that nobody wrote."""

    terms: Sequence[str]
    guesses: Sequence[str] = ()

    @property
    def expression(self) -> str:
        # A guess is a stem already and stemming it again would change it; as a beginning it is matched as is.
        return keyword_index.match_expression(self.terms, self.guesses)

    @property
    def stems(self) -> Counter[str]:
        """How often each stem is asked for: "system" and "systems" are two words to FTS5, and count twice."""
        return Counter([*self.guesses, *map(stem, self.terms)])

    @property
    def expressions(self) -> dict[str, str]:
        """One for each stem."""
        terms = {stem(term): keyword_index.match_expression([term]) for term in self.terms}
        return {**{guess: keyword_index.match_expression((), [guess]) for guess in self.guesses}, **terms}


class Keywords:
    """The keyword index of one database. Safe to use from many threads.

    ``folder`` is where posting lists are kept; None: there are none, whatever the size.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._ranking: KeywordRanking | None = None
        self._update: subprocess.Popen[bytes] | None = None
        self._closed = False

    def open(self, tx: Tx) -> None:
        """Take up the posting lists that are there, if they can be believed."""
        if self._folder is None:
            return
        started = time.monotonic()
        segments = keyword_segments.load(tx, self._folder)
        self._ranking = KeywordRanking(segments) if segments else None
        if segments:
            taken = round(time.monotonic() - started, 3)
            _log.info("keywords_opened", segments=len(segments), last=segments[-1].last, seconds=taken)

    @property
    def covered(self) -> int:
        """The chunks that the posting lists were made from; 0 without any."""
        return self._ranking.chunks if self._ranking is not None else 0

    def search(self, tx: Tx, wanted: Wanted, k: int, scope: ResolvedScope) -> Scores:
        """Up to ``k`` pairs of chunk id and BM25 score (higher is better), best first."""
        ranking = self._ranking
        if ranking is None:
            return keyword_index.search(tx, wanted.expression, k, scope)
        stems = wanted.stems
        since = self._since(tx, ranking, wanted, scope) if _newest(tx) > ranking.last else []
        found = ranking.search(stems, k, scope.ranges)
        if scope.ranges is None:
            depth, alive = k, _alive(tx, found)
            while len(alive) < k and len(found) == depth:  # withdrawn chunks are in the lists still
                depth *= 4
                found = ranking.search(stems, depth, None)
                alive = _alive(tx, found)
            found = alive
        return sorted([*found, *since], key=lambda one: (-one[1], one[0]))[:k]

    def count(self, tx: Tx, wanted: Wanted, scope: ResolvedScope, limit: int) -> int:
        """How many chunks match, counted up to ``limit``."""
        ranking = self._ranking
        if ranking is None:
            return keyword_index.count_matching(tx, wanted.expression, scope, limit)
        counted = ranking.count(wanted.stems, scope.ranges, limit)
        if counted < limit and _newest(tx) > ranking.last:
            counted += len(_inside(_matching_since(tx, wanted.expression, ranking.last, limit), scope))
        return min(counted, limit)

    def frequencies(self, tx: Tx, stemmed: Sequence[str], scope: ResolvedScope) -> dict[str, int]:
        """How many chunks inside ``scope`` hold each of the stems; those that none holds are left out."""
        ranking = self._ranking
        if ranking is None:
            return keyword_index.document_frequencies(tx, stemmed, scope)
        looked_for = [one for one in dict.fromkeys(stemmed) if one not in _EVERYWHERE]
        known = ranking.frequencies(looked_for, scope.ranges)
        new = [one for one in looked_for if one not in known]
        if new and _newest(tx) > ranking.last:
            # FTS5 reads all there is of a word to count it: of one the lists do not have, what came since.
            held = ranking.frequencies(new, None)
            never = [one for one in new if one not in held]
            known |= keyword_index.document_frequencies(tx, never, scope)
        # The lists have no words that every text is made of.
        return known | {one: scope.chunks(ranking.chunks) for one in stemmed if one in _EVERYWHERE}

    def maintain(self, tx: Tx, database: Path) -> None:
        """Have the posting lists brought up to date by a child process if it is time, and take up what it has
        made. Returns at once; to be called now and then."""
        with self._lock:
            if self._folder is None or self._closed:
                return
            if self._update is not None:
                if self._update.poll() is None:
                    return
                if self._update.returncode:
                    _log.warning("keywords_update_failed", status=self._update.returncode)
                self._update = None
                self.open(tx)
            elif self._is_time(tx):
                command = [
                    sys.executable,
                    "-I",
                    "-m",
                    keyword_segments.__name__,
                    str(database),
                    str(self._folder),
                ]
                self._update = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def close(self) -> None:
        """Stop what runs in the background."""
        with self._lock:
            self._closed = True
            if self._update is not None and self._update.poll() is None:
                self._update.kill()
                self._update.wait()

    def _is_time(self, tx: Tx) -> bool:
        alive = tx.scalar(select(func.count()).select_from(chunks)) or 0
        last = self._ranking.last if self._ranking is not None else 0
        wasted = alive < keyword_segments.ALIVE * self.covered
        return alive >= LARGE and (wasted or _newest(tx) - last >= _BEHIND)

    def _since(self, tx: Tx, ranking: KeywordRanking, wanted: Wanted, scope: ResolvedScope) -> Scores:
        """Chunks that came after the posting lists were made, by how rare the words are that they hold."""
        weights, asked = ranking.weights(list(wanted.expressions)), wanted.stems
        scores: dict[int, float] = {}
        for stemmed, expression in wanted.expressions.items():
            if stemmed not in _EVERYWHERE and expression:
                worth = _USUAL_WORTH * weights[stemmed] * asked[stemmed]
                for chunk_id in _inside(_matching_since(tx, expression, ranking.last, _TAIL), scope):
                    scores[chunk_id] = scores.get(chunk_id, 0.0) + worth
        return list(scores.items())


def _newest(tx: Tx) -> int:
    return fetch(tx, _NEWEST)[0][0] or 0


def _matching_since(tx: Tx, expression: str, last: int, most: int) -> list[int]:
    return (
        list(tx.scalars(_SINCE, {"expression": expression, "last": last, "most": most})) if expression else []
    )


def _inside(chunk_ids: Sequence[int], scope: ResolvedScope) -> list[int]:
    if scope.ranges is None:
        return list(chunk_ids)
    firsts = [first for first, _ in scope.ranges]
    before = [(one, bisect_right(firsts, one) - 1) for one in chunk_ids]
    return [one for one, at in before if at >= 0 and one <= scope.ranges[at][1]]


def _alive(tx: Tx, found: Scores) -> Scores:
    there = set(fetch(tx, _ALIVE, json.dumps([one for one, _ in found])))
    return [one for one in found if one[:1] in there]
