"""What a vector must be before it is stored. Every one passes here, whichever model made it.

An index takes anything: a NaN can never be found and says nothing about it, a vector of another length
bends every ranking it is part of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import Unavailable

_UNIT_TOLERANCE = 1e-3


def require_usable(embedded: NDArray[Any], count: int, dimension: int) -> None:
    """Raises ``Unavailable`` (``bad_embedding``) unless these are ``count`` float32 rows of ``dimension``,
    finite and of unit length (hence neither zero nor denormal)."""
    if embedded.shape != (count, dimension):
        raise _bad(f"{embedded.shape} instead of {(count, dimension)}")
    if embedded.dtype != np.float32:
        raise _bad(f"{embedded.dtype} instead of float32")
    # Lengths in 64 bits: the square of a large 32-bit number would be infinite, of a small one nothing.
    lengths = np.linalg.norm(embedded.astype(np.float64), axis=1)
    if not (np.abs(lengths - 1.0) < _UNIT_TOLERANCE).all():  # which a NaN is not either
        raise _bad("not finite, or not of unit length")


def _bad(why: str) -> Unavailable:
    return Unavailable(
        "bad_embedding",
        f"The embedding model returned vectors that cannot be searched ({why}); install it again, or choose "
        "another with FOOTNOTE_EMBEDDER.",
    )
