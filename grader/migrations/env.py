"""Run by Alembic: applies the revisions on the connection of `grader.migrations`."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
