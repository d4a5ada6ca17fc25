"""
Adds the number of the last attempt that failed while its worker lived.

On SQS a message that is tried again is not a copy, so no header can tell such an attempt from one
that ended its worker. Workers of the second revision keep running, as those of the first one do.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; null until an attempt fails."""
    op.add_column("jobs", sa.Column("settled_attempts", sa.Integer))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "settled_attempts")
