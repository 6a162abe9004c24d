"""What documents are called becomes searchable, and is entered for those that are there."""

from alembic import op
from sqlalchemy import text

from rag.stores import document_names

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE VIRTUAL TABLE keyword_documents USING fts5(
            names, beginning,
            content='', contentless_delete=1,
            tokenize='porter unicode61 remove_diacritics 2'
        )
    """)
    op.execute("CREATE VIRTUAL TABLE keyword_document_terms USING fts5vocab(keyword_documents, row)")
    op.execute("CREATE VIRTUAL TABLE keyword_document_places USING fts5vocab(keyword_documents, instance)")
    connection = op.get_bind()
    live = connection.scalars(
        text(
            "SELECT versions.id FROM versions JOIN documents ON documents.live_version_id = versions.id "
            "WHERE versions.first_chunk IS NOT NULL"
        )
    ).all()
    for version_id in live:
        document_names.enter(connection, version_id)
