"""Public identifiers: unguessable, sortable by nothing, with a prefix a person can recognise."""

from __future__ import annotations

import base64
import secrets

_RANDOM_BYTES = 15  # 120 bits, 24 base32 characters without padding


def new_id(prefix: str) -> str:
    """``doc_k3v…``: ``prefix`` and 120 random bits in lower-case base32 (RFC 4648)."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()}"
