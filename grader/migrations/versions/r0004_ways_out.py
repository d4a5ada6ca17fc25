"""
Adds what results by push, batches, progress and functions need; older workers keep running.

New columns of `jobs` may be null, and older workers name the columns that they write. MySQL 8 adds
them at once, and builds the indexes while rows are read and written.

MySQL cannot roll back, and building an index of a large table may outlive the connection. So each
step is left out where it was done before, and a migration that was interrupted can be repeated.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

revision = "0004"
down_revision = "0003"

_COLUMNS: dict[str, Any] = {
    "webhook_url": sa.String(2048),
    "batch_id": sa.String(128),
    "batch_size": sa.Integer,
    "function_id": sa.String(128),
    "progress": LONGTEXT(),
    "submitted_at": DATETIME(fsp=6),
}
_INDEXES = {
    "ix_jobs_batch": ["batch_id"],
    "ix_jobs_created": ["created_at", "request_id"],
    "ix_jobs_function": ["function_id", "updated_at"],
}


def upgrade() -> None:
    """Add the columns, their indexes and the outbox of webhooks."""
    schema = sa.inspect(op.get_bind())
    columns = {each["name"] for each in schema.get_columns("jobs")}
    for name, kind in _COLUMNS.items():
        if name not in columns:
            op.add_column("jobs", sa.Column(name, kind))
    indexes = {each["name"] for each in schema.get_indexes("jobs")}
    for name, wanted in _INDEXES.items():
        if name not in indexes:
            op.create_index(name, "jobs", wanted)
    if not schema.has_table("webhook_deliveries"):
        _create_outbox()


def _create_outbox() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(128), nullable=False, index=True),
        sa.Column("is_batch", sa.Boolean, nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", DATETIME(fsp=6)),
        sa.Column("leased_until", DATETIME(fsp=6)),
        sa.Column("last_error", sa.String(1024), nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False, index=True),
        sa.Column("delivered_at", DATETIME(fsp=6)),
        sa.Index("ix_webhook_deliveries_due", "status", "next_attempt_at"),
    )


def downgrade() -> None:
    """Drop all of it."""
    op.drop_table("webhook_deliveries")
    for name in _INDEXES:
        op.drop_index(name, "jobs")
    for name in _COLUMNS:
        op.drop_column("jobs", name)
