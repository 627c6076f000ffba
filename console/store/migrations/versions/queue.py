"""Cases as the work on alerts, and what the pages keep: people, sign-ins, views, labels to be sent, deliveries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_queue"
down_revision = "0001"
branch_labels = None
depends_on = None

ASCII = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
IN_QUEUE = (
    "state", "event_time_ms", "risk_score", "amount", "case_id", "action", "assignee", "claimed_by", "lease_until_ms",
    "due_ms", "outcome",
)  # fmt: skip
OF_ALERTS: tuple[tuple[str, Any], ...] = (
    ("event_time_ms", sa.BigInteger), ("transaction_id", ASCII), ("action", sa.SmallInteger),
    ("risk_score", sa.SmallInteger), ("amount", sa.Double), ("currency", sa.Text), ("merchant_id", sa.Text),
    ("claimed_by", sa.Text), ("lease_until_ms", sa.BigInteger), ("due_ms", sa.BigInteger), ("outcome", sa.Text),
)  # fmt: skip
ALERTS_AT_ONCE = 1_000


def upgrade() -> None:
    for name, kind in OF_ALERTS:
        op.add_column("cases", sa.Column(name, kind))
    op.create_index("cases_by_alert", "cases", ["decision_id", "event_time_ms"], unique=True)
    op.create_index("cases_in_queue", "cases", list(IN_QUEUE))
    _links_and_labels()
    _people()
    _cases_of_alerts()


def _key(name: str, kind: Any = ASCII) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _value(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _links_and_labels() -> None:
    op.create_table(
        "case_links", _key("kind"), _key("value"), _key("event_time_ms", sa.BigInteger), _key("decision_id"),
        _value("user_id", ASCII), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("case_links_by_decision", "case_links", ["decision_id", "event_time_ms"])
    op.create_index("case_links_by_user", "case_links", ["user_id"])
    op.create_table(
        "rule_outcomes", _key("rule"), _key("case_id", sa.BigInteger), _value("event_time_ms", sa.BigInteger),
        _value("outcome"), sa.Column("amount", sa.Double), sa.Column("currency", sa.Text), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("rule_outcomes_by_case", "rule_outcomes", ["case_id"])
    op.create_table(
        "label_outbox", _key("event_id"), _value("case_id", sa.BigInteger), _value("user_id", ASCII), _value("payload"),
        _value("send_after_ms", sa.BigInteger), sa.Column("sent_ms", sa.BigInteger), _value("attempts", sa.Integer),
        sa.Column("refusal", sa.Text),
    )  # fmt: skip
    op.create_index("label_outbox_waiting", "label_outbox", ["sent_ms", "send_after_ms"])
    op.create_index("label_outbox_by_user", "label_outbox", ["user_id"])


def _people() -> None:
    op.create_table(
        "console_users", _key("name"), _value("password_hash"), _value("role"), _value("created_ms", sa.BigInteger),
        sa.Column("disabled_ms", sa.BigInteger),
    )  # fmt: skip
    op.create_table(
        "console_sessions", _key("session_hash"), _value("name", ASCII), _value("csrf"),
        _value("created_ms", sa.BigInteger), _value("seen_ms", sa.BigInteger),
    )  # fmt: skip
    op.create_index("console_sessions_by_name", "console_sessions", ["name"])
    op.create_table(
        "saved_views", _key("owner"), _key("name", sa.Text), _value("query"), _value("created_ms", sa.BigInteger)
    )
    op.create_table(
        "deliveries", sa.Column("number", COUNTER, primary_key=True), _value("channel"), _value("subject"),
        _value("made_ms", sa.BigInteger), _value("attempts", sa.Integer), sa.Column("delivered_ms", sa.BigInteger),
        sa.Column("failure", sa.Text), _value("through_case", sa.BigInteger), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("deliveries_by_channel", "deliveries", ["channel", "made_ms"])


def _cases_of_alerts() -> None:
    """Open a case of each alert that the store has."""
    import msgspec

    connection = op.get_bind()
    alerts = sa.table("alerts", *(sa.column(name) for name in ("event_time_ms", "alert_id", "kind", "action", "body")))
    columns = (
        "user_id", "state", "title", "decision_id", "opened_ms", "changed_ms", "event_time_ms", "transaction_id", "action",
        "risk_score", "amount", "currency", "merchant_id",
    )  # fmt: skip
    cases = sa.table("cases", *(sa.column(name) for name in columns))
    found = connection.execute(sa.select(alerts).where(alerts.c.kind == "alert")).mappings()
    for part in found.partitions(ALERTS_AT_ONCE):
        rows = []
        for row in part:
            alert = msgspec.json.decode(row["body"])
            rows.append({
                "user_id": alert["user_id"], "state": "open", "title": (alert.get("summary") or "").replace("\0", ""),
                "decision_id": row["alert_id"], "opened_ms": row["event_time_ms"], "changed_ms": row["event_time_ms"],
                "event_time_ms": row["event_time_ms"], "transaction_id": alert.get("transaction_id"),
                "action": row["action"], "risk_score": alert["risk_score"], "amount": alert.get("amount"),
                "currency": alert.get("currency"), "merchant_id": alert.get("merchant_id"),
            })  # fmt: skip
        connection.execute(sa.insert(cases), rows)
