"""The vectors of sentences and words that questions keep coming back to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.dense import Encoder


class VectorCache:
    """Vectors of recently seen texts: a second question about a passage embeds nothing. Thread safe."""

    def __init__(self, encoder: Encoder, capacity: int = 8192) -> None:
        self._encoder = encoder
        self._capacity = capacity
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows in the order of ``texts``, which is not empty."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
            for text in found:
                self._known.move_to_end(text)
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        fresh = dict(zip(missing, self._encoder.encode(missing), strict=True)) if missing else {}
        with self._lock:
            self._known.update(fresh)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
        found |= fresh
        return np.stack([found[text] for text in texts])
