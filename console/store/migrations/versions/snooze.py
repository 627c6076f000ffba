"""Rules that are snoozed for a user, and the cases that they keep out of the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_snooze"
down_revision = "0003_control"
branch_labels = None
depends_on = None

ASCII = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "snoozes", sa.Column("snooze_id", COUNTER, primary_key=True), _value("user_id", ASCII), _value("rule", ASCII),
        _value("reason"), _value("who"), _value("made_ms", sa.BigInteger), _value("until_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger), sa.Column("ended_by", sa.Text), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("snoozes_by_user", "snoozes", ["user_id", "rule"])
    op.create_table(
        "snoozed_cases", sa.Column("case_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _value("until_ms", sa.BigInteger),
    )  # fmt: skip
    op.create_index("snoozed_cases_by_end", "snoozed_cases", ["until_ms", "case_id"])


def _value(name: str, kind: sa.types.TypeEngine[str] | type = sa.Text) -> sa.Column[str]:
    return sa.Column(name, kind, nullable=False)
