"""The table of jobs, as of the newest migration."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT

METADATA = MetaData()
_MOMENT = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
_LONG = Text().with_variant(LONGTEXT(), "mysql", "mariadb")

#: A lease counts only for the attempt that it names: an older worker, which writes none, may have
#: taken over since.
#: `result_json` is text: MariaDB and MySQL differ in JSON columns, and no query looks inside.
JOBS = Table(
    "jobs",
    METADATA,
    Column("request_id", String(128), primary_key=True),
    Column("user_id", String(128), nullable=False),
    Column("problem_id", String(128), nullable=False),
    Column("language", String(32), nullable=False),
    Column("queue", String(255), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("message_id", String(255), nullable=False),
    Column("worker_id", String(128), nullable=False),
    Column("verdict", String(8)),
    Column("score", Integer),
    Column("execution_time_ms", Integer),
    Column("memory_usage_mb", Integer),
    Column("error_code", String(32)),
    Column("result_file", String(1024)),
    Column("result_json", _LONG),
    Column("created_at", _MOMENT, nullable=False),
    Column("updated_at", _MOMENT, nullable=False),
    Column("leased_until", _MOMENT),
    Column("leased_attempt", Integer),
    Column("settled_attempts", Integer),
    Column("webhook_url", String(2048)),
    Column("batch_id", String(128), index=True),
    Column("batch_size", Integer),
    Column("function_id", String(128)),
    Column("progress", _LONG),
    Column("submitted_at", _MOMENT),
)

#: The outbox: webhooks that are due, that were delivered, or that are dead.
WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("delivery_id", String(64), primary_key=True),
    Column("subject", String(128), nullable=False),
    Column("is_batch", Boolean, nullable=False),
    Column("url", String(2048), nullable=False),
    Column("host", String(255), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", _MOMENT),
    Column("leased_until", _MOMENT),
    Column("last_error", String(1024), nullable=False),
    Column("created_at", _MOMENT, nullable=False),
    Column("delivered_at", _MOMENT),
)
