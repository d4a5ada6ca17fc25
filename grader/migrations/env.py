"""Run by Alembic: apply the revisions on the connection that `grader.migrations` opened."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
