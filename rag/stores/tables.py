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

# Groups of people who see nothing of each other. The first, ``default``, is always there.
tenants = Table(
    "tenants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

# API keys. Of the secret only an HMAC is kept; the prefix, which is no secret, finds the row.
keys = Table(
    "keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String, nullable=False, unique=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("prefix", String, nullable=False, unique=True),
    Column("hash", LargeBinary, nullable=False),
    Column("scope", String, nullable=False),
    # Ids of the collections it is good for; null: all of the tenant's. Ids are never used again, so one of
    # a deleted collection permits nothing.
    Column("collections", JSON(none_as_null=True)),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("last_used_at", Float),
    sqlite_autoincrement=True,
)

collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String, nullable=False, unique=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("created_at", Float, nullable=False),
    # Counts, by triggers, whatever changes what a search in it may find (see ``reuse.library_state``).
    Column("revision", Integer, nullable=False, server_default="0"),
    UniqueConstraint("tenant_id", "name"),
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
    # Where it lies in the folder it was taken from. A second upload from there is a new version.
    Column("source", String),
    # A document inside another one (in an archive, attached to a message) goes with it. ``root_id`` is the
    # outermost, ``depth`` how many are around it.
    Column("parent_id", ForeignKey("documents.id", ondelete="CASCADE"), index=True),
    Column("root_id", ForeignKey("documents.id", ondelete="CASCADE"), index=True),
    Column("depth", Integer, nullable=False, server_default="0"),
    Column("latest_version", Integer, nullable=False),
    # The version that is searched: the newest that became ready, and none before the first does.
    Column("live_version_id", Integer, index=True),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index("documents_by_name", "collection_id", "name"),
    Index("documents_by_source", "collection_id", "source", unique=True),
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
    Column("page_kind", String),
    Column("pages_without_text", JSON, nullable=False),
    Column("notices", JSON, nullable=False),
    Column("quality", JSON),
    Column("error_code", String),
    Column("error_detail", String),
    # A version's chunks are written in one transaction, so their ids are one contiguous range.
    Column("first_chunk", Integer),
    Column("last_chunk", Integer),
    # So many of them, from the first, have the transformer's vector in place of the student's.
    Column("refined_chunks", Integer, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("ready_at", Float),
    Column("refined_at", Float),
    UniqueConstraint("document_id", "number"),
    Index("versions_by_state", "state"),
    sqlite_autoincrement=True,
)

# Ids that were given out and whose documents are gone: all that is kept of them.
deleted_documents = Table(
    "deleted_documents",
    metadata,
    Column("public_id", String, primary_key=True),
    Column("deleted_at", Float, nullable=False),
    # Null is nobody's. The collection is no reference: it may be deleted as well.
    Column("tenant_id", ForeignKey("tenants.id")),
    Column("collection_id", Integer),
)

# MinHash signatures of live texts, and their bands: versions that share one are probably near-duplicates.
signatures = Table(
    "signatures",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("signature", LargeBinary, nullable=False),
)

signature_bands = Table(
    "signature_bands",
    metadata,
    Column("band", Integer, primary_key=True, autoincrement=False),
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True, index=True),
)

near_duplicates = Table(
    "near_duplicates",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("similarity", Float, nullable=False),
)

# What leads to a place in a text: read to say where a quotation stands.
headings = Table(
    "headings",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("level", Integer, nullable=False),
    Column("text", String, nullable=False),
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
    Column("label", String, nullable=False, server_default=""),
    Column("rows", LargeBinary, nullable=False, server_default=""),
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
    Column("omitted", JSON),
    Column("headings", JSON),
    Column("locator", String, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

# What made a vector: two models, or one model used in two ways, never share a space. ``teacher_id`` is the
# space that a student's approximates; of both together a chunk has one vector.
spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("teacher_id", ForeignKey("spaces.id")),
)

# The transformers that the library is, was or is to be served from. ``folder`` is null for the packaged one.
embedders = Table(
    "embedders",
    metadata,
    Column("space_id", ForeignKey("spaces.id"), primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("folder", String),
    Column("added_at", Float, nullable=False),
)

# One row: which of them is which. ``figures`` and the trouble are the target's.
embedding_state = Table(
    "embedding_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("serving_id", ForeignKey("embedders.space_id")),
    Column("target_id", ForeignKey("embedders.space_id")),
    Column("previous_id", ForeignKey("embedders.space_id")),
    Column("forced", Integer, nullable=False),
    Column("figures", JSON(none_as_null=True)),
    Column("trouble_code", String),
    Column("trouble_detail", String),
    Column("started_at", Float),
    Column("switched_at", Float),
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
    # Fair queueing: whose job it is, in which lane of theirs, and when its turn comes (see job_queue).
    Column("uploader", String, nullable=False, server_default="default"),
    Column("lane", String, nullable=False, server_default="default/large"),
    Column("turn", Float, nullable=False, server_default="0"),
    Column("run_at", Float, nullable=False),
    Column("worker", String),
    Column("lease_until", Float),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("stage_started_at", Float),
    Column("finished_at", Float),
    Index("jobs_claimable", "state", "run_at"),
    Index("jobs_by_turn", "state", "turn", "id"),
    Index("jobs_by_lane", "lane", "state", "turn"),
    sqlite_autoincrement=True,
)

# One row: what holds for the queue as a whole.
queue_state = Table(
    "queue_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("paused", Integer, nullable=False),
    Column("turn", Float, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_hash", String, nullable=False),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Float, nullable=False),
)

# Receipts: an answer as it was delivered, and what made it.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String, nullable=False, unique=True),
    Column("created_at", Float, nullable=False, index=True),
    Column("question", Text, nullable=False),
    # Null where the question was understood as it was asked.
    Column("standalone", Text),
    Column("conversation", String, index=True),
    # The public id of the answer that was asked for again; that one may be deleted.
    Column("replay_of", String),
    Column("request", JSON, nullable=False),
    Column("environment", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("answerability", Float, nullable=False),
    Column("answer", Text, nullable=False),
    Column("sentences", JSON, nullable=False),
    Column("conflicts", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("coverage", JSON, nullable=False),
    Column("timings", JSON, nullable=False),
    Column("model_name", String),
    Column("model_sha256", String),
    Column("prompt_sha256", String),
    # Whose it is (null is nobody's), and the key it was asked with if that is good for some collections.
    Column("tenant_id", ForeignKey("tenants.id")),
    Column("key_id", ForeignKey("keys.id")),
    # By what a later question finds it (see ``receipt.Reuse``), and what the model wrote for it.
    Column("reuse_key", String, index=True),
    Column("library", String),
    Column("draft_key", String, index=True),
    Column("draft", JSON(none_as_null=True)),
    # Of which earlier answer it was made, if it was.
    Column("cached", JSON(none_as_null=True)),
    sqlite_autoincrement=True,
)

# What an answer rests on, as places in documents: their text is never copied. It names a document by its
# public id and not by a key, since it outlives the document.
answer_spans = Table(
    "answer_spans",
    metadata,
    Column("answer_id", ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("role", String, nullable=False),
    Column("document", String, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("scores", JSON, nullable=False),
    # The footnote it became, if it did.
    Column("citation", Integer),
    # Of the text there; null once the document is deleted.
    Column("sha256", String),
)

# Ids of answers that were deleted or have expired, for as long as answers are kept.
deleted_answers = Table(
    "deleted_answers",
    metadata,
    Column("public_id", String, primary_key=True),
    Column("deleted_at", Float, nullable=False, index=True),
    Column("tenant_id", ForeignKey("tenants.id")),
    Column("key_id", ForeignKey("keys.id")),
)

conversation_turns = Table(
    "conversation_turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation", String, nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("standalone", Text, nullable=False),
    Column("answer", Text, nullable=False),
    # The receipt of the answer; the turn goes with it. Null where answers are not kept.
    Column("receipt_id", ForeignKey("answers.id", ondelete="CASCADE"), index=True),
    Column("created_at", Float, nullable=False, index=True),
    Column("tenant_id", ForeignKey("tenants.id")),
    Column("key_id", ForeignKey("keys.id")),
    sqlite_autoincrement=True,
)

# Full text of the chunks (rowid = chunk id): the FTS5 table ``keywords(context, body)``, which only its
# migration can spell. It is contentless: the text itself is stored once, in ``text_pieces``.
# ``keyword_terms`` shows its vocabulary, ``keyword_places`` where each word of it stands.
