"""From where messages tell: one that was not delivered can be made again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_notice_bounds"
down_revision = "0008_labels_by_case"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("after_case", sa.BigInteger))
    op.add_column("deliveries", sa.Column("after_control", sa.BigInteger))
