"""Makes the static student of an embedder on this machine, in half a minute, from its vocabulary alone.

The recipe, in the order of ``distil``:

1. The teacher embeds every word of its own vocabulary, as Model2Vec does (S. Tulkens and T. van Dongen,
   Model2Vec: fast state-of-the-art static embeddings, 2024).
2. Their mean is taken off (J. Mu and P. Viswanath, All-but-the-top, ICLR 2018) and each is weighted by how
   rare it is, a / (a + p) (S. Arora, Y. Liang and T. Ma, A simple but tough-to-beat baseline for sentence
   embeddings, ICLR 2017). No corpus is counted: a WordPiece vocabulary is sorted by frequency, so Zipf's
   law gives p from the place.
3. A sum of words is not what the teacher makes of a text, but close to a linear map of it. The map is
   fitted in closed form (ridge regression) to the teacher's vectors of texts generated from the
   vocabulary and of paragraphs of Python's own manual, which is on every machine.
4. Principal components, most important first: ``DIMENSION`` of them are kept. They also carry the teacher's
   vectors of questions over into the student's space.
5. On paragraphs that were left out, a line from the student's cosines to the teacher's is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.errors import StorageFailed
from rag.models.embedder import Embedder, Vectors, unit, unusable
from rag.models.locations import student_path
from rag.models.static_embeddings import DamagedStudent, StaticEmbeddings, Student

METHOD = 3
"""Goes up with every change of the recipe, so that older students are made anew."""

DIMENSION = 256
GENERATED = 1200
PARAGRAPHS = 480
HELD_OUT = 96
"""Paragraphs, of ``PARAGRAPHS``, that only the line is fitted to."""

RARITY = 1e-4
"""The a of step 2: words more frequent than this are damped.

This and ``RIDGE`` are the best of a grid (1e-3 to 1e-6; 0.3 to 0.003) by fidelity on held-out paragraphs of
Python's manual: 0.677 here, 0.632 and 0.621 at the ends of the first.
"""
RIDGE = 0.01
"""Pull of the map towards a multiple of the identity, as a share of the mean variance."""

_SEED = 20261122
_MARKERS = "#\u2581\u0120"
"""What WordPiece, SentencePiece and byte-level vocabularies put before a token to join or part it."""
_IDLE = re.compile(r"\[unused\d+\]")
_AT_ONCE = 1024
_PARAGRAPH_WORDS = 60

Matrix = NDArray[np.floating[Any]]
OnProgress = Callable[[int, int], None]
"""Called with texts done and texts in all."""


def distil_if_missing(
    folder: Path, teacher: Embedder, on_progress: OnProgress | None = None
) -> StaticEmbeddings:
    """The student of ``teacher``, read from ``folder`` or made and kept there.

    A file of another teacher or recipe, or a damaged one, is replaced. Of several processes that ask at
    once, one works and the others wait for it.

    Raises:
        StorageFailed: ``storage_failed`` when the folder cannot be written.
        Unavailable: ``model_unusable`` when the teacher cannot be.
    """
    path = student_path(folder, teacher.space_id)
    student = _valid(path, teacher)
    if student is None:
        with _locked(path):
            student = _valid(path, teacher)
            if student is None:
                student = distil(teacher, on_progress)
                student.write(path)
    return StaticEmbeddings(student, teacher.folder)


def distil(teacher: Embedder, on_progress: OnProgress | None = None) -> Student:
    """A student of ``teacher``; takes about half a minute on two cores."""
    tokens = _Tokens.of(teacher.folder)
    random = np.random.default_rng(_SEED)
    manual = _paragraphs(random)
    progress = _Progress(teacher, len(tokens.distinct) + GENERATED + len(manual), on_progress)
    words = progress.encode(tokens.distinct)[tokens.places]
    table = _weighted(words, tokens)
    generated = _generated(words, tokens, random)
    known, held_out = manual[HELD_OUT:], manual[:HELD_OUT]
    fitting = tokens.ids([*generated, *known])
    table = table @ _map(_pooled(table, fitting), progress.encode([*generated, *known]))
    projection = _components(table, fitting)[:, :DIMENSION]
    table = table @ projection
    stored = (table / np.abs(table).max()).astype(np.float16)
    embedded, teachers = _pooled(stored.astype(np.float64), tokens.ids(held_out)), progress.encode(held_out)
    slope, intercept, fidelity = _line(embedded, _asked(embedded, teachers @ projection), teachers)
    return Student(
        table=stored,
        projection=projection.astype(np.float16),
        unknown=tokens.unknown,
        teacher=teacher.space_id,
        teacher_name=teacher.identity.name,
        method=METHOD,
        slope=slope,
        intercept=intercept,
        fidelity=fidelity,
    )


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A vocabulary, by token id.

    Attributes:
        words: what each token stands for; empty for those that stand for nothing.
        distinct: the same without repetition: a word, and the end of another, may read alike.
        places: where each token's word is among those.
        ranks: place by frequency, from 1; marks and single letters are as frequent as the first word.
        whole: ids of tokens that are whole words.
    """

    tokenizer: Tokenizer
    words: Sequence[str]
    distinct: Sequence[str]
    places: NDArray[np.int64]
    ranks: NDArray[np.int64]
    whole: NDArray[np.int64]
    unknown: int

    @classmethod
    def of(cls, folder: Path) -> _Tokens:
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the Rust side raises bare Exception for every failure
            raise unusable(error) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        special = set(tokenizer.get_added_tokens_decoder())
        names = [tokenizer.id_to_token(at) or "" for at in range(tokenizer.get_vocab_size())]
        idle = [at in special or _IDLE.fullmatch(name) is not None for at, name in enumerate(names)]
        words = ["" if idle[at] else (name.lstrip(_MARKERS) or name) for at, name in enumerate(names)]
        is_word = np.array([len(word) > 1 and word.isalpha() for word in words])
        whole = [
            at for at, name in enumerate(names) if is_word[at] and len(words[at]) > 2 and name[:2] != "##"
        ]
        at_first = {word: at for at, word in enumerate(dict.fromkeys(words))}
        unknown = tokenizer.encode("\ue000", add_special_tokens=False).ids
        return cls(
            tokenizer=tokenizer,
            words=words,
            distinct=list(at_first),
            places=np.array([at_first[word] for word in words]),
            ranks=np.maximum(1, np.cumsum(is_word)),
            whole=np.array(whole),
            unknown=unknown[0] if unknown else int(whole[0]),
        )

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.intp]]:
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.intp) for encoding in encodings]

    def probabilities(self) -> Matrix:
        """Zipf's law with Mandelbrot's shift of 2.7, which is how English behaves at the top."""
        frequencies = 1.0 / (self.ranks + 2.7)
        probabilities: Matrix = frequencies / frequencies.sum()
        return probabilities


class _Progress:
    """The teacher, with an account of how far it is."""

    def __init__(self, teacher: Embedder, total: int, tell: OnProgress | None) -> None:
        self._teacher = teacher
        self._total = total
        self._done = 0
        self._tell = tell

    def encode(self, texts: Sequence[str]) -> Vectors:
        parts = [np.empty((0, self._teacher.dimension), dtype=np.float32)]
        for first in range(0, len(texts), _AT_ONCE):
            some = texts[first : first + _AT_ONCE]
            parts.append(self._teacher.encode(some))
            self._done += len(some)
            if self._tell is not None:
                self._tell(self._done, self._total)
        return np.concatenate(parts)


def _weighted(vectors: Vectors, tokens: _Tokens) -> Matrix:
    """Step 2: a row a token; zeros for those that stand for nothing."""
    used = np.array([bool(word) for word in tokens.words])
    centred = vectors.astype(np.float64) - vectors[used].mean(axis=0)
    weights: Matrix = RARITY / (RARITY + tokens.probabilities()) * used
    weights[tokens.unknown] = RARITY  # next to nothing, but a direction for texts of nothing else
    table: Matrix = centred * weights[:, None]
    return table


def _generated(words: Vectors, tokens: _Tokens, random: np.random.Generator) -> list[str]:
    """Texts of 8 to 39 words: half of words as frequent as they are, half about three topics each.

    A topic is a word and its 40 nearest in the teacher's space.
    """
    whole, vectors = tokens.whole, words[tokens.whole]
    chances = 1.0 / (tokens.ranks[whole] + 50.0)
    chances /= chances.sum()
    texts = []
    for number in range(GENERATED):
        length = int(random.integers(8, 40))
        chosen = random.choice(whole, length, p=chances)
        if number % 2:
            topics = vectors @ vectors[random.choice(len(whole), 3)].T
            near = whole[np.argpartition(-topics, 40, axis=0)[:40].ravel()]
            chosen = np.where(random.random(length) < 0.6, random.choice(near, length), chosen)
        texts.append(" ".join(tokens.words[at] for at in chosen))
    return texts


def _paragraphs(random: np.random.Generator) -> list[str]:
    """Paragraphs of Python's manual of the language, in a random order, cut to some ninety tokens."""
    from pydoc_data import topics  # half a megabyte that nothing else needs

    seen: dict[str, None] = {}
    for page in topics.topics.values():
        for paragraph in page.split("\n\n"):
            words = paragraph.split()
            if len(words) >= 12:
                seen[" ".join(words[:_PARAGRAPH_WORDS])] = None
    texts = list(seen)
    return [texts[at] for at in random.permutation(len(texts))[:PARAGRAPHS]]


def _pooled(table: Matrix, ids: Sequence[NDArray[np.intp]]) -> Matrix:
    """What a student with ``table`` would return, a row a text."""
    sums = np.stack([table[one].sum(axis=0) for one in ids])
    return unit(sums.astype(np.float32)).astype(np.float64)


def _map(student: Matrix, teacher: Vectors) -> Matrix:
    """Step 3: the matrix M that makes ``student @ M`` most like ``teacher``, pulled towards the identity."""
    dimension = student.shape[1]
    pull = RIDGE * len(student) / dimension
    scale = float((student * teacher).sum() / (student * student).sum())
    identity = np.eye(dimension)
    solution: Matrix = np.linalg.solve(
        student.T @ student + pull * identity, student.T @ teacher + pull * scale * identity
    )
    return solution


def _components(table: Matrix, ids: Sequence[NDArray[np.intp]]) -> Matrix:
    """Step 4: the directions, a column each, in which the embeddings of ``ids`` vary most, the first most."""
    embedded = _pooled(table, ids)
    _, directions = np.linalg.eigh(embedded.T @ embedded)
    found: Matrix = directions[:, ::-1]
    return found


def _asked(student: Matrix, carried: Matrix) -> Matrix:
    """The texts as questions, see ``StaticEmbeddings.as_asked``."""
    both = student + carried / np.linalg.norm(carried, axis=1, keepdims=True)
    asked: Matrix = both / np.linalg.norm(both, axis=1, keepdims=True)
    return asked


def _line(student: Matrix, asked: Matrix, teacher: Vectors) -> tuple[float, float, float]:
    """Step 5: slope, intercept and correlation of the cosines of all pairs of a question and a text."""
    pairs = np.array(list(permutations(range(len(student)), 2)))
    mine = (asked @ student.T)[pairs[:, 0], pairs[:, 1]]
    theirs = (teacher @ teacher.T)[pairs[:, 0], pairs[:, 1]].astype(np.float64)
    slope, intercept = np.polyfit(mine, theirs, 1)
    return float(slope), float(intercept), float(np.corrcoef(mine, theirs)[0, 1])


def _valid(path: Path, teacher: Embedder) -> Student | None:
    try:
        student = Student.read(path)
    except DamagedStudent:
        return None
    return student if (student.teacher, student.method) == (teacher.space_id, METHOD) else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lets one process work at a time, whichever dies in between."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    except OSError as error:
        raise StorageFailed(
            "storage_failed",
            f"The folder of models cannot be written ({error.strerror}); free or mend the disk.",
        ) from error
    with lock:
        try:
            import fcntl
        except ImportError:  # no such lock on Windows: two processes at once only waste time there
            yield
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
