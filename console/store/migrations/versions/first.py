"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ASCII = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BY_MONTH: dict[str, Any] = {"postgresql_partition_by": "RANGE (event_time_ms)"}
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
COUNTED: dict[str, Any] = {"sqlite_autoincrement": True}
FACTS = ("risk_score", "action", "flag_bits", "tag_bits", "bundle")


def upgrade() -> None:
    _searched()
    _from_sources()
    _of_the_console()


def _key(name: str, kind: Any = ASCII) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _value(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _facts() -> tuple[sa.Column[Any], ...]:
    return (*(_value(name, sa.SmallInteger) for name in FACTS[:-1]), _value("bundle", sa.Integer))


def _searched() -> None:
    op.create_table(
        "decisions",
        _key("event_time_ms", sa.BigInteger), _key("decision_id"), _value("user_id", ASCII), _value("transaction_id", ASCII),
        *_facts(), _value("amount", sa.Double), _value("currency"), sa.Column("probability", sa.Double),
        sa.Column("coverage", sa.Double), _value("enrichment"), _value("late", sa.Boolean),
        _value("stale_history", sa.Boolean), sa.Column("merchant_id", sa.Text), _value("body"),
        sa.Column("feature_set", sa.Text), sa.Column("features", sa.LargeBinary), **BY_MONTH,
    )  # fmt: skip
    op.create_index("decisions_by_id", "decisions", ["decision_id"])
    op.create_index("decisions_by_user", "decisions", ["user_id", "event_time_ms", "decision_id", *FACTS])
    op.create_index("decisions_by_transaction", "decisions", ["transaction_id", "event_time_ms", "decision_id"])
    op.create_table(
        "marks", _key("kind"), _key("value"), _key("event_time_ms", sa.BigInteger), _key("decision_id"), *_facts(),
        **CLUSTERED, **BY_MONTH,
    )  # fmt: skip
    if op.get_context().dialect.name == "sqlite":
        facts = ", ".join(f"{name} UNINDEXED" for name in FACTS)
        op.execute(
            f"CREATE VIRTUAL TABLE reason_search USING fts5(words, decision_id UNINDEXED, {facts},"
            " tokenize = 'unicode61 remove_diacritics 0', detail = none)"
        )
        return
    op.create_table(
        "reason_texts", _key("event_time_ms", sa.BigInteger), _key("decision_id"), *_facts(), _value("words", TSVECTOR),
        **BY_MONTH,
    )  # fmt: skip
    op.create_index(
        "reason_texts_by_word", "reason_texts", ["words"],
        postgresql_using="gin", postgresql_with={"fastupdate": "off"},
    )  # fmt: skip
    for table in ("decisions", "marks", "reason_texts"):  # what no month has
        op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")


def _from_sources() -> None:
    op.create_table(
        "alerts", _key("event_time_ms", sa.BigInteger), _key("alert_id"), _value("kind", ASCII), _value("user_id", ASCII),
        _value("action", sa.SmallInteger), _value("flag_bits", sa.SmallInteger), _value("body"),
    )  # fmt: skip
    op.create_index("alerts_by_id", "alerts", ["alert_id"])
    op.create_index("alerts_by_user", "alerts", ["user_id", "event_time_ms", "alert_id"])
    op.create_index("alerts_by_action", "alerts", ["action", "event_time_ms", "alert_id", "kind", "flag_bits"])
    op.create_table(
        "events", _key("user_id"), _key("event_type"), _key("at_ms", sa.BigInteger), _key("event_id"), _value("body"),
        **CLUSTERED,
    )  # fmt: skip
    op.create_table(
        "dead_letters", _key("recorded_ms", sa.BigInteger), _key("letter_id"), sa.Column("user_id", ASCII),
        _value("reason"), _value("payload", sa.LargeBinary), _value("payload_sha256"), _value("origin"),
    )  # fmt: skip
    op.create_index("dead_letters_by_id", "dead_letters", ["letter_id"], unique=True)
    op.create_index("dead_letters_by_user", "dead_letters", ["user_id"])
    op.create_table("positions", _key("source"), _key("partition", sa.Integer), _value("next_offset", sa.BigInteger))
    times = ("first_ms", "last_ms")
    op.create_table(
        "bundles", _key("number", sa.Integer), sa.Column("bundle", ASCII, nullable=False, unique=True),
        *(_value(name, sa.BigInteger) for name in times),
    )  # fmt: skip
    op.create_table("rule_sets", _key("version", sa.BigInteger), *(_value(name, sa.BigInteger) for name in times))
    op.create_table("feature_sets", _key("feature_set"), _value("names"))
    op.create_table("erased_users", _key("user_sha256"), _value("erased_ms", sa.BigInteger))


def _of_the_console() -> None:
    op.create_table(
        "api_keys", _key("key_id"), sa.Column("key_hash", ASCII, nullable=False, unique=True), _value("name"),
        _value("role"), _value("created_ms", sa.BigInteger), sa.Column("revoked_ms", sa.BigInteger),
    )  # fmt: skip
    op.create_table(
        "audit", sa.Column("number", COUNTER, primary_key=True), _value("at_ms", sa.BigInteger), _value("who"),
        _value("what"), _value("subject"), sa.Column("user_id", ASCII), sa.Column("before", sa.Text),
        sa.Column("after", sa.Text), **COUNTED,
    )  # fmt: skip
    op.create_index("audit_by_user", "audit", ["user_id"])
    op.create_table(
        "cases", sa.Column("case_id", COUNTER, primary_key=True), _value("user_id", ASCII), _value("state"),
        _value("title"), sa.Column("assignee", sa.Text), sa.Column("decision_id", ASCII),
        _value("opened_ms", sa.BigInteger), _value("changed_ms", sa.BigInteger), **COUNTED,
    )  # fmt: skip
    op.create_index("cases_by_user", "cases", ["user_id"])
    op.create_index("cases_by_state", "cases", ["state", "changed_ms"])
    op.create_table(
        "case_journal", sa.Column("entry", COUNTER, primary_key=True), _value("case_id", sa.BigInteger),
        _value("at_ms", sa.BigInteger), _value("who"), _value("what"), _value("body"), **COUNTED,
    )  # fmt: skip
    op.create_index("case_journal_by_case", "case_journal", ["case_id", "entry"])
