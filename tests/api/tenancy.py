"""Two tenants in one service with the same collection names, and keys of every kind."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from api.app import create_app
from api.assembly import Service
from rag.retrieval.dense import VectorSpace
from rag.retrieval.hybrid import HybridRetriever
from rag.stores import acceptance, collections, conversations, job_queue, keys, tenants
from rag.stores.access import LOCAL, Access, of_tenant
from rag.stores.conversations import Turn
from rag.stores.document_catalog import Document
from rag.stores.index_follower import IndexFollower
from rag.stores.keys import Key, KeyScope, NewKey
from rag.stores.receipt_writer import ReceiptWriter
from tests.api.conftest import Client
from tests.rag.stores.library import DIMENSION, SPACE, Library
from tests.rag.stores.receipts import receipt, span


class HashEncoder:
    """Any text to a unit vector of its own."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") for text in texts]
        rows = np.stack([np.random.default_rng(seed).standard_normal(DIMENSION) for seed in seeds])
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


@dataclass(frozen=True)
class Owned:
    """One of everything a tenant has, by public id."""

    access: Access
    document: Document
    job: str
    answer: str
    collection: str
    conversation: str
    key: str

    def ids(self) -> set[str]:
        return {self.document.public_id, self.job, self.answer, self.collection, self.key}


class Tenancy:
    """``own`` is the default tenant's, ``other`` that of the tenant ``acme``."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.client = Client(create_app(service))
        library = Library(service.database, service.blobs)
        index = IndexFollower(folder / "index", library.space_id, SPACE, DIMENSION)
        service._retriever = HybridRetriever(service.database, [VectorSpace(index, HashEncoder())])
        with service.database.write() as tx:
            acme = of_tenant(tenants.create(tx, "acme").id)
            for access in (LOCAL, acme):
                collections.create(tx, access, "minutes")
        self.own_admin = self.key(LOCAL, KeyScope.ADMIN)
        self.other_admin = self.key(acme, KeyScope.ADMIN)
        self.own = self._fill(library, LOCAL, "The boiler room opens with heron.", self.own_admin[0])
        self.other = self._fill(library, acme, "The boiler room opens with magpie.", self.other_admin[0])
        self.reader = self.key(LOCAL, KeyScope.READ)
        self.writer = self.key(LOCAL, KeyScope.WRITE)
        self.narrow = self.key(LOCAL, KeyScope.WRITE, "default")
        self.revoked = self.key(LOCAL, KeyScope.ADMIN)
        self.expired = self.key(LOCAL, KeyScope.ADMIN)
        with service.database.write() as tx:
            keys.revoke(tx, LOCAL, self.revoked[0].public_id)
            tx.exec_driver_sql(
                "UPDATE keys SET expires_at = ? WHERE id = ?", (time.time() - 1, self.expired[0].id)
            )

    def key(self, access: Access, scope: KeyScope, *only: str) -> tuple[Key, str]:
        with self.service.database.write() as tx:
            named = frozenset(collections.get(tx, access, one).id for one in only)
            return self.service.tokens.create(tx, NewKey(access.tenant, scope.value, scope, named or None))

    def ask(self, token: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.request(method, path, headers=headers, **options)

    def _fill(self, library: Library, access: Access, text: str, key: Key) -> Owned:
        blob = self.service.blobs.put([text.encode()], 1000)
        with self.service.database.write() as tx:
            place = collections.get(tx, access, "minutes")
            accepted = acceptance.accept(tx, blob, "boiler.txt", place, {})
        library.publish(library.claim(), [text])
        document = accepted.document
        with self.service.database.read() as tx:
            job = job_queue.get(tx, access, accepted.job.public_id).public_id
        kept = replace(
            receipt(f"ans_{access.tenant}", spans=[span(document.public_id, 1)], conversation="team"),
            owner=access.owner,
        )
        ReceiptWriter(self.service.database).write(kept)
        with self.service.database.write() as tx:
            conversations.add_turn(tx, access.owner, "team", Turn("How?", "How?", text))
        return Owned(access, document, job, kept.id, place.public_id, "team", key.public_id)
