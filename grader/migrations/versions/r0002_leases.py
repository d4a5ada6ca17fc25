"""
Adds the lease of a claim, so that a dead worker holds a request for minutes and not for an hour.

Workers of the first revision keep running: they name the columns that they write, and the new ones
may be null. MySQL 8 adds such columns without copying or locking the table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the end of the lease, and the attempt that it belongs to."""
    op.add_column("jobs", sa.Column("leased_until", DATETIME(fsp=6)))
    op.add_column("jobs", sa.Column("leased_attempt", sa.Integer))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("jobs", "leased_attempt")
    op.drop_column("jobs", "leased_until")
