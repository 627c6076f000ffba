"""Proposals of control elements, and the log of what was published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_control"
down_revision = "0002_queue"
branch_labels = None
depends_on = None

ASCII = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "control_proposals", sa.Column("proposal_id", COUNTER, primary_key=True), _value("created_ms", sa.BigInteger),
        _value("element_key", ASCII), _value("element_version", sa.BigInteger), _value("body"),
        sa.Column("published_ms", sa.BigInteger), sa.Column("location", sa.Text), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_table(
        "control_log", sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _value("at_ms", sa.BigInteger), sa.Column("location", sa.Text, nullable=False, unique=True), _value("outcome"),
        sa.Column("reason", sa.Text), _value("payload", sa.LargeBinary), _value("hash", ASCII),
    )  # fmt: skip


def _value(name: str, kind: sa.types.TypeEngine[str] | type = sa.Text) -> sa.Column[str]:
    return sa.Column(name, kind, nullable=False)
