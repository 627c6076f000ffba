"""Run by alembic for console.store.migrations.migrate, with the connection that it began a transaction on."""

from __future__ import annotations

from alembic import context

from console.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
