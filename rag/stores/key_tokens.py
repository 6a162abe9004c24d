"""The tokens people send: made once, shown once, and known afterwards only by an HMAC.

A token is ``fn_<prefix>_<secret>``: eight characters that find the row, and 32 random bytes in base64url.
What is stored is the HMAC-SHA256 (RFC 2104) of the whole token under a secret of this data folder. Slow
hashes are for what people make up; 256 random bits cannot be searched through. The database alone, without
the folder's secret, is enough neither to check a guess nor to enter a key of one's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from rag.errors import StorageFailed
from rag.stores import keys
from rag.stores.blobs import fsync_folder, storage_errors
from rag.stores.database import Tx
from rag.stores.keys import Key, KeysNow, NewKey

SECRET_NAME = "secrets/keys"
"""In the data folder, readable by its owner only. Without it no key opens anything."""
_SECRET_BYTES = 32
_TOKEN = re.compile(r"fn_([a-z2-7]{8})_[A-Za-z0-9_-]{43}")
_NOBODY = bytes(hashlib.sha256().digest_size)


class KeyTokens:
    """Makes and checks the tokens of the data folder ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SECRET_NAME

    def create(self, tx: Tx, new: NewKey) -> tuple[Key, str]:
        """Enter a key; returns it with its token, which cannot be had again.

        Raises ``BadRequest`` (``bad_key``) or ``StorageFailed``.
        """
        prefix = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        token = f"fn_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        return keys.insert_key(tx, new, prefix, _hmac(self._made_secret(), token)), token

    def holder(self, stored: KeysNow, token: str) -> Key | None:
        """The active key that ``token`` is of. Takes as long for an unknown token as for a wrong one.

        Raises ``StorageFailed`` (``key_secret_missing``), and as ``KeysNow``.
        """
        shape = _TOKEN.fullmatch(token)
        if shape is None:
            return None
        found = stored.by_prefix(shape[1])
        fits = hmac.compare_digest(_hmac(self.secret(), token), _NOBODY if found is None else found.hash)
        return found if found is not None and fits and found.is_active() else None

    def secret(self) -> bytes:
        """Raises ``StorageFailed`` (``key_secret_missing``)."""
        try:
            secret = self._path.read_bytes()
        except OSError:
            secret = b""
        if len(secret) != _SECRET_BYTES:
            raise StorageFailed(
                "key_secret_missing",
                f"The file {SECRET_NAME} of the data folder is missing or damaged, so no key can be checked; "
                "restore it from a backup.",
            )
        return secret

    def _made_secret(self) -> bytes:
        if not self._path.exists():
            self._make_secret()
        return self.secret()

    def _make_secret(self) -> None:
        """Whole or not at all, and never over one that is there: keys depend on it."""
        with storage_errors():
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(_SECRET_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(fresh, self._path)
                except FileExistsError:
                    return
            finally:
                os.unlink(fresh)
            fsync_folder(self._path.parent)
            fsync_folder(self._path.parent.parent)


def _hmac(secret: bytes, token: str) -> bytes:
    return hmac.new(secret, token.encode(), hashlib.sha256).digest()
