"""Texts that say nearly the same: found through the bands of their MinHash signatures, linked, never hidden.

A. Z. Broder, On the resemblance and containment of documents, SEQUENCES 1997. Only documents of one
collection are compared: the link itself would tell of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, delete, insert, or_, select

from rag.stores.collections import Collection
from rag.stores.database import Tx
from rag.stores.tables import documents, near_duplicates, signature_bands, signatures, versions

THRESHOLD = 0.8
"""Share of common shingles from which two texts are called near-duplicates."""

_MOST_CANDIDATES = 64
"""Compared at most: a thousand copies of one form must not make the next one slow."""

_SPREAD = 0x9E3779B97F4A7C15
"""The golden ratio in 64 bits: multiples of it lie far from each other (D. E. Knuth, TAOCP 3, 6.4)."""

Similarity = Callable[[bytes, bytes], float]


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Another document with nearly the same text; ``similarity`` is the estimated Jaccard index, 0 to 1."""

    document_id: str
    name: str
    similarity: float


def link(
    tx: Tx, version_id: int, signature: bytes, bands: Sequence[int], similarity: Similarity
) -> Sequence[NearDuplicate]:
    """Enter the signature of a version that has just become live and link it with those it resembles, most
    alike first."""
    stored = _of_collection(tx, version_id, bands)
    found = []
    for row in _candidates(tx, stored):
        alike = similarity(signature, row.signature)
        if alike >= THRESHOLD:
            found.append((row.id, NearDuplicate(row.public_id, row.name, alike)))
    tx.execute(insert(signatures).values(version_id=version_id, signature=signature))
    tx.execute(insert(signature_bands), [{"band": band, "version_id": version_id} for band in stored])
    if found:
        tx.execute(
            insert(near_duplicates),
            [
                {"version_id": version_id, "other_id": other, "similarity": one.similarity}
                for other, one in found
            ],
        )
    return sorted((one for _, one in found), key=lambda one: -one.similarity)


def move(tx: Tx, document_ids: Select[tuple[int]], to: Collection) -> None:
    """Prepare documents for being moved, which still are where they were: they resemble nothing there any
    more, and can be found by what comes to their new collection."""
    rows = tx.execute(
        select(signature_bands.c.version_id, signature_bands.c.band, documents.c.collection_id)
        .join(versions, versions.c.id == signature_bands.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(documents.c.id.in_(document_ids), documents.c.collection_id != to.id)
    ).all()
    moved = sorted({row.version_id for row in rows})
    tx.execute(
        delete(near_duplicates).where(
            or_(near_duplicates.c.version_id.in_(moved), near_duplicates.c.other_id.in_(moved))
        )
    )
    tx.execute(delete(signature_bands).where(signature_bands.c.version_id.in_(moved)))
    shifted = {((row.band + (to.id - row.collection_id) * _SPREAD) % 2**63, row.version_id) for row in rows}
    if shifted:
        tx.execute(
            insert(signature_bands), [{"band": band, "version_id": version} for band, version in shifted]
        )


def of_version(tx: Tx, version_id: int, limit: int = 20) -> Sequence[NearDuplicate]:
    """What a live version resembles, most alike first; links hold in both directions."""
    other = or_(
        and_(near_duplicates.c.version_id == version_id, near_duplicates.c.other_id == versions.c.id),
        and_(near_duplicates.c.other_id == version_id, near_duplicates.c.version_id == versions.c.id),
    )
    rows = tx.execute(
        select(documents.c.public_id, documents.c.name, near_duplicates.c.similarity)
        .select_from(near_duplicates)
        .join(versions, other)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(or_(near_duplicates.c.version_id == version_id, near_duplicates.c.other_id == version_id))
        .order_by(near_duplicates.c.similarity.desc(), documents.c.id)
        .limit(limit)
    )
    return [NearDuplicate(*row) for row in rows]


def _candidates(tx: Tx, bands: Sequence[int]) -> Sequence[_Candidate]:
    sharing = tx.scalars(
        select(signature_bands.c.version_id)
        .where(signature_bands.c.band.in_(bands))
        .distinct()
        .order_by(signature_bands.c.version_id.desc())
        .limit(_MOST_CANDIDATES)
    ).all()
    if not sharing:  # as a rule
        return ()
    rows = tx.execute(
        select(versions.c.id, documents.c.public_id, documents.c.name, signatures.c.signature)
        .select_from(signatures)
        .join(versions, versions.c.id == signatures.c.version_id)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(versions.c.id.in_(sharing))
    )
    return [_Candidate(*row) for row in rows]


def _of_collection(tx: Tx, version_id: int, bands: Sequence[int]) -> list[int]:
    """The bands as they are stored: shifted by the collection, so that only its own documents share one."""
    collection_id = tx.scalar(
        select(documents.c.collection_id)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(versions.c.id == version_id)
    )
    assert collection_id is not None
    return sorted({(band + collection_id * _SPREAD) % 2**63 for band in bands})


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: int
    public_id: str
    name: str
    signature: bytes
