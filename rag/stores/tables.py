"""The schema. Integer keys are internal and never reused; ``public_id`` is what callers see.

``migrations/`` builds this schema; ``tests/rag/stores/test_migrations.py`` holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String, nullable=False, unique=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String, nullable=False, unique=True),
    Column("collection_id", ForeignKey("collections.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("latest_version", Integer, nullable=False),
    # The version that is searched: the newest that became ready, and none before the first does.
    Column("live_version_id", Integer, index=True),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index("documents_by_name", "collection_id", "name"),
    sqlite_autoincrement=True,
)

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("sha256", String, nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("media_type", String),
    Column("title", String),
    Column("characters", Integer),
    Column("page_count", Integer),
    Column("pages_without_text", JSON, nullable=False),
    Column("notices", JSON, nullable=False),
    Column("error_code", String),
    Column("error_detail", String),
    # A version's chunks are written in one transaction, so their ids are one contiguous range.
    Column("first_chunk", Integer),
    Column("last_chunk", Integer),
    Column("created_at", Float, nullable=False),
    Column("ready_at", Float),
    UniqueConstraint("document_id", "number"),
    sqlite_autoincrement=True,
)

# The canonical text in pieces, so that reading a quotation does not read the book.
text_pieces = Table(
    "text_pieces",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("end", Integer, nullable=False),
    Column("text", Text, nullable=False),
)

pages = Table(
    "pages",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("words", LargeBinary, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("collection_id", ForeignKey("collections.id"), nullable=False, index=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("context", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# What made a vector: two models, or one model used in two ways, never share a space.
spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), nullable=False),
    Column("chunk_id", ForeignKey("chunks.id", ondelete="CASCADE"), nullable=False),
    Column("vector", LargeBinary, nullable=False),
    UniqueConstraint("chunk_id", "space_id"),
)

# What every FAISS cache has to do to catch up: one row a published or withdrawn range of chunks.
index_changes = Table(
    "index_changes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), nullable=False),
    Column("operation", String, nullable=False),
    Column("first_chunk", Integer, nullable=False),
    Column("last_chunk", Integer, nullable=False),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String, nullable=False, unique=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("pages_done", Integer, nullable=False),
    Column("pages_total", Integer),
    Column("chunks_done", Integer, nullable=False),
    Column("chunks_total", Integer),
    Column("notices", JSON, nullable=False),
    Column("error_code", String),
    Column("error_detail", String),
    Column("attempts", Integer, nullable=False),
    Column("run_at", Float, nullable=False),
    Column("worker", String),
    Column("lease_until", Float),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Index("jobs_claimable", "state", "run_at"),
    sqlite_autoincrement=True,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String, primary_key=True),
    Column("request_hash", String, nullable=False),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Float, nullable=False),
)

conversation_turns = Table(
    "conversation_turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation", String, nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("standalone", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

# Full text of the chunks (rowid = chunk id): the FTS5 table ``keywords(context, body)``, which only its
# migration can spell. It is contentless: the text itself is stored once, in ``text_pieces``.
# ``keyword_terms`` shows its vocabulary.
