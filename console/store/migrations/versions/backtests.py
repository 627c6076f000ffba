"""The backtests that proposals of rules rest on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_backtests"
down_revision = "0006_guardrail_notices"
branch_labels = None
depends_on = None

ASCII = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "backtests", sa.Column("backtest_id", ASCII, primary_key=True),
        sa.Column("made_ms", sa.BigInteger, nullable=False), sa.Column("who", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )  # fmt: skip
