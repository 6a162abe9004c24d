"""Answers can be found again by what was asked, while nothing has changed of what they were made from.

Triggers count the changes: no way of writing documents can forget it, and ``collections.revision`` is in the
same transaction as what it counts. Whoever builds ``documents`` or ``versions`` anew makes them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE collections ADD COLUMN revision INTEGER NOT NULL DEFAULT 0")
    for name, kind in (
        ("reuse_key", sa.String()),
        ("library", sa.String()),
        ("draft_key", sa.String()),
        ("draft", sa.JSON()),
        ("cached", sa.JSON()),
    ):
        op.add_column("answers", sa.Column(name, kind, nullable=True))
    op.create_index("ix_answers_reuse_key", "answers", ["reuse_key"])
    op.create_index("ix_answers_draft_key", "answers", ["draft_key"])
    op.execute("""
        CREATE TRIGGER documents_changed AFTER UPDATE ON documents BEGIN
            UPDATE collections SET revision = revision + 1 WHERE id IN (OLD.collection_id, NEW.collection_id);
        END
    """)
    op.execute("""
        CREATE TRIGGER documents_deleted AFTER DELETE ON documents BEGIN
            UPDATE collections SET revision = revision + 1 WHERE id = OLD.collection_id;
        END
    """)
    # Its chunks have come or gone, or have got other vectors.
    op.execute("""
        CREATE TRIGGER versions_changed AFTER UPDATE OF first_chunk, refined_chunks ON versions BEGIN
            UPDATE collections SET revision = revision + 1
            WHERE id = (SELECT collection_id FROM documents WHERE id = NEW.document_id);
        END
    """)
