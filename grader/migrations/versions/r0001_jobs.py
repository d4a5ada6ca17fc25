"""Creates the table of jobs: one row per request, written by workers, read by the web tier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

revision = "0001"
down_revision = None

# Ids compare byte by byte, as S3 keys do: `Req_1` and `req_1` are two requests.
_ID_COLLATION = "utf8mb4_bin"


def upgrade() -> None:
    """Create the table with indexes by user and by status."""
    op.create_table(
        "jobs",
        sa.Column("request_id", sa.String(128, collation=_ID_COLLATION), primary_key=True),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("problem_id", sa.String(128, collation=_ID_COLLATION), nullable=False),
        sa.Column("language", sa.String(32), nullable=False),
        sa.Column("queue", sa.String(255), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("message_id", sa.String(255, collation=_ID_COLLATION), nullable=False),
        sa.Column("worker_id", sa.String(128), nullable=False),
        sa.Column("verdict", sa.String(8)),
        sa.Column("score", sa.Integer),
        sa.Column("execution_time_ms", sa.Integer),
        sa.Column("memory_usage_mb", sa.Integer),
        sa.Column("error_code", sa.String(32)),
        sa.Column("result_file", sa.String(1024)),
        sa.Column("result_json", LONGTEXT),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.Column("updated_at", DATETIME(fsp=6), nullable=False),
        sa.Index("jobs_by_user", "user_id", "created_at"),
        sa.Index("jobs_by_status", "status", "updated_at"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("jobs")
