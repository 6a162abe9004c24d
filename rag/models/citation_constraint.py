"""Makes it impossible to write a footnote that was not offered.

While a text is being generated it is either outside brackets or inside one that has been opened and
not closed. Outside, a token is banned when it would close nothing or open something that cannot
become ``[n]`` with an allowed ``n``; inside, only tokens that carry on towards such an ``n`` remain.
What a token does is found by running its bytes through a two-state automaton. That is right at byte
level because in UTF-8 no byte of a longer character equals a bracket or a digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.models.sampling import Logits

OPEN, CLOSE = ord("["), ord("]")
DIGITS = frozenset(b"0123456789")

State = bytes | None
"""The digits written since the ``[``, or None outside brackets."""


class BracketVocabulary:
    """The tokens of a model that matter for footnotes, found once per model.

    Args:
        pieces: the bytes of each token by id; control tokens are empty.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.with_brackets = [i for i, piece in enumerate(pieces) if OPEN in piece or CLOSE in piece]
        self.inside = [
            i for i, piece in enumerate(pieces) if piece and (piece[0] in DIGITS or piece[0] == CLOSE)
        ]
        single = {piece for piece in pieces if len(piece) == 1}
        self.can_cite = single >= {bytes([byte]) for byte in (*DIGITS, OPEN, CLOSE)}
        """Without a token for each single byte a number might be begun that cannot be finished."""


class CitationConstraint:
    """Footnotes of one text: mask the logits before each choice, then report the chosen token.

    Args:
        vocabulary: of the model that writes.
        allowed: the footnote numbers that may be cited; none forbids brackets altogether.
    """

    def __init__(self, vocabulary: BracketVocabulary, allowed: Iterable[int]) -> None:
        self._vocabulary = vocabulary
        numbers = {str(number).encode() for number in allowed} if vocabulary.can_cite else set()
        self._numbers = frozenset(numbers)
        self._prefixes = frozenset(number[:size] for number in numbers for size in range(len(number) + 1))
        self._state: State = None
        self._banned_outside = self._select(vocabulary.with_brackets, None, fits=False)
        self._allowed_inside: dict[bytes, NDArray[np.intp]] = {}

    @property
    def inside(self) -> bool:
        """Whether a bracket is open."""
        return self._state is not None

    def mask(self, logits: Logits) -> None:
        """Set every token that may not come next to ``-inf``, in place."""
        state = self._state
        if state is None:
            logits[self._banned_outside] = -np.inf
            return
        if state not in self._allowed_inside:
            self._allowed_inside[state] = self._select(self._vocabulary.inside, state, fits=True)
        allowed = self._allowed_inside[state]
        kept = logits[allowed]
        logits.fill(-np.inf)
        logits[allowed] = kept

    def accept(self, token: int) -> bool:
        """Take note of the token that was chosen; always True: a text may go on after any footnote."""
        fits, self._state = self._run(self._state, self._vocabulary.pieces[token])
        if not fits:
            raise ValueError("a token was chosen that the mask had banned")
        return True

    def _select(self, ids: Iterable[int], state: State, *, fits: bool) -> NDArray[np.intp]:
        pieces = self._vocabulary.pieces
        return np.asarray([i for i in ids if self._run(state, pieces[i])[0] is fits], dtype=np.intp)

    def _run(self, state: State, piece: bytes) -> tuple[bool, State]:
        """Whether ``piece`` may be written in ``state``, and the state after it."""
        for byte in piece:
            if state is None:
                if byte == CLOSE or (byte == OPEN and not self._numbers):
                    return False, state
                state = b"" if byte == OPEN else None
            elif byte == CLOSE and state in self._numbers:
                state = None
            elif byte in DIGITS and state + bytes([byte]) in self._prefixes:
                state += bytes([byte])
            else:
                return False, state
        return True, state
