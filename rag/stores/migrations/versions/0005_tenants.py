"""Tenants and keys. What is there belongs to the tenant ``default``.

The new columns have no default and may be null where SQLite cannot add them otherwise: what a statement
forgets to give a tenant is then seen by nobody, instead of by the wrong one.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_tenants_and_keys()
    _give_collections_a_tenant()
    _give_idempotency_keys_a_tenant()
    for table in ("answers", "conversation_turns", "deleted_answers"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN tenant_id INTEGER REFERENCES tenants(id)")
        op.execute(f"ALTER TABLE {table} ADD COLUMN key_id INTEGER REFERENCES keys(id)")
        op.execute(f"UPDATE {table} SET tenant_id = 1")
    op.execute("ALTER TABLE deleted_documents ADD COLUMN tenant_id INTEGER REFERENCES tenants(id)")
    # Not a reference: the collection may be deleted as well.
    op.execute("ALTER TABLE deleted_documents ADD COLUMN collection_id INTEGER")
    op.execute("UPDATE deleted_documents SET tenant_id = 1")
    # Which chunks hold a word: how rare it is for those who may read some of them only.
    op.execute("CREATE VIRTUAL TABLE keyword_places USING fts5vocab(keywords, instance)")


def _create_tenants_and_keys() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("collections", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.Column("last_used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("prefix"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_keys_tenant_id", "keys", ["tenant_id"])
    insert = sa.text("INSERT INTO tenants(id, name, created_at) VALUES (1, 'default', :now)")
    op.get_bind().execute(insert, {"now": time.time()})


def _give_collections_a_tenant() -> None:
    """Built anew, since a name is unique in its tenant from now on. Documents refer to collections all the
    while, which holds again as soon as the rows are back under the same name."""
    given_out = op.get_bind().scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'collections'"))
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMPORARY TABLE collections_before AS SELECT * FROM collections")
    op.execute("DROP TABLE collections")
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("tenant_id", "name"),
        sqlite_autoincrement=True,
    )
    op.execute("""
        INSERT INTO collections(id, public_id, tenant_id, name, created_at)
        SELECT id, public_id, 1, name, created_at FROM collections_before
    """)
    op.execute("DROP TABLE collections_before")
    if given_out is not None:  # ids of deleted collections are not used again
        restore = sa.text(
            "INSERT INTO sqlite_sequence(name, seq) SELECT 'collections', :seq "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'collections')"
        )
        op.get_bind().execute(restore, {"seq": given_out})
        update = sa.text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'collections'")
        op.get_bind().execute(update, {"seq": given_out})


def _give_idempotency_keys_a_tenant() -> None:
    """A key is one's own: another tenant's request under the same key is another request."""
    op.create_table(
        "idempotency_keys_new",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    op.execute("""
        INSERT INTO idempotency_keys_new(tenant_id, key, request_hash, document_id, job_id, created_at)
        SELECT 1, key, request_hash, document_id, job_id, created_at FROM idempotency_keys
    """)
    op.execute("DROP TABLE idempotency_keys")
    op.execute("ALTER TABLE idempotency_keys_new RENAME TO idempotency_keys")
    op.create_index("ix_idempotency_keys_document_id", "idempotency_keys", ["document_id"])
