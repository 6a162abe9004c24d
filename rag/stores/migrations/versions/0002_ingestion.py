"""Refinement, fair queueing, documents inside documents, sources, near-duplicates, places in a text."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_tables()
    _create_tables()
    # Release 0.1.0 knew the transformer's vectors only, so what was ready then is refined now.
    op.execute("""
        UPDATE versions
        SET state = 'refined', refined_at = ready_at, refined_chunks = last_chunk - first_chunk + 1
        WHERE state = 'ready' AND first_chunk IS NOT NULL
    """)
    op.execute("UPDATE jobs SET turn = id")
    op.execute("INSERT INTO queue_state(id, paused, turn) VALUES (1, 0, 0)")


def _extend_tables() -> None:
    # A column that refers to its own table can be added as it stands while it may be null.
    op.execute("ALTER TABLE documents ADD COLUMN source VARCHAR")
    for column in ("parent_id", "root_id"):
        op.execute(
            f"ALTER TABLE documents ADD COLUMN {column} INTEGER REFERENCES documents(id) ON DELETE CASCADE"
        )
        op.create_index(f"ix_documents_{column}", "documents", [column])
    op.add_column("documents", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("documents_by_source", "documents", ["collection_id", "source"], unique=True)

    op.add_column("versions", sa.Column("page_kind", sa.String(), nullable=True))
    op.add_column("versions", sa.Column("quality", sa.JSON(), nullable=True))
    op.add_column("versions", sa.Column("refined_chunks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("versions", sa.Column("refined_at", sa.Float(), nullable=True))
    op.create_index("versions_by_state", "versions", ["state"])

    op.add_column("pages", sa.Column("label", sa.String(), nullable=False, server_default=""))
    op.add_column("pages", sa.Column("rows", sa.LargeBinary(), nullable=False, server_default=""))
    op.add_column("chunks", sa.Column("omitted", sa.JSON(), nullable=True))
    op.add_column("chunks", sa.Column("headings", sa.JSON(), nullable=True))
    op.add_column("chunks", sa.Column("locator", sa.String(), nullable=False, server_default=""))

    op.add_column("jobs", sa.Column("uploader", sa.String(), nullable=False, server_default="default"))
    op.add_column("jobs", sa.Column("lane", sa.String(), nullable=False, server_default="default/large"))
    op.add_column("jobs", sa.Column("turn", sa.Float(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("stage_started_at", sa.Float(), nullable=True))
    op.create_index("jobs_by_turn", "jobs", ["state", "turn", "id"])
    op.create_index("jobs_by_lane", "jobs", ["lane", "state", "turn"])


def _create_tables() -> None:
    op.create_table(
        "deleted_documents",
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("public_id"),
    )
    op.create_table(
        "signatures",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id"),
    )
    op.create_table(
        "signature_bands",
        sa.Column("band", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("band", "version_id"),
    )
    op.create_index("ix_signature_bands_version_id", "signature_bands", ["version_id"])
    op.create_table(
        "near_duplicates",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["other_id"], ["versions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id", "other_id"),
    )
    op.create_index("ix_near_duplicates_other_id", "near_duplicates", ["other_id"])
    op.create_table(
        "headings",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id", "start"),
    )
    op.create_table(
        "queue_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
