"""
Adds what results by push, batches, progress and functions need; older workers keep running.

New columns of `jobs` may be null, and older workers name the columns that they write.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, their indexes and the outbox of webhooks."""
    op.add_column("jobs", sa.Column("webhook_url", sa.String(2048)))
    op.add_column("jobs", sa.Column("batch_id", sa.String(128)))
    op.add_column("jobs", sa.Column("batch_size", sa.Integer))
    op.add_column("jobs", sa.Column("function_id", sa.String(128)))
    op.add_column("jobs", sa.Column("progress", LONGTEXT()))
    op.add_column("jobs", sa.Column("submitted_at", DATETIME(fsp=6)))
    op.create_index("ix_jobs_batch", "jobs", ["batch_id"])
    op.create_index("ix_jobs_created", "jobs", ["created_at", "request_id"])
    op.create_index("ix_jobs_function", "jobs", ["function_id", "updated_at"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("delivery_id", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(128), nullable=False, index=True),
        sa.Column("is_batch", sa.Boolean, nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_attempt_at", DATETIME(fsp=6)),
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
    op.drop_index("ix_jobs_function", "jobs")
    op.drop_index("ix_jobs_created", "jobs")
    op.drop_index("ix_jobs_batch", "jobs")
    columns = ("submitted_at", "progress", "function_id", "batch_size", "batch_id", "webhook_url")
    for name in columns:
        op.drop_column("jobs", name)
