"""Which embedder a library is served from, and which one is to take its place.

Who has served so far is not known here: the first start finds out from the spaces that have vectors.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE spaces ADD COLUMN teacher_id INTEGER REFERENCES spaces(id)")
    op.create_table(
        "embedders",
        sa.Column("space_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=True),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"]),
        sa.PrimaryKeyConstraint("space_id"),
    )
    op.create_table(
        "embedding_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("serving_id", sa.Integer(), nullable=True),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("forced", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("trouble_code", sa.String(), nullable=True),
        sa.Column("trouble_detail", sa.String(), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("switched_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["serving_id"], ["embedders.space_id"]),
        sa.ForeignKeyConstraint(["target_id"], ["embedders.space_id"]),
        sa.ForeignKeyConstraint(["previous_id"], ["embedders.space_id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO embedding_state(id, forced) VALUES (1, 0)")
