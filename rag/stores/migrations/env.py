"""Alembic's entry point; the connection comes from ``rag.stores.schema``."""

from alembic import context

from rag.stores.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
