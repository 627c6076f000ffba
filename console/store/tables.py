"""The tables. Migrations make them; `first` in migrations/versions has the same definitions as of its version.

On PostgreSQL the tables in PARTITIONED are partitioned by month of event time.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    column,
    table,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

metadata = MetaData()
PARTITIONED = ("decisions", "marks", "reason_texts")

ASCII = Text().with_variant(Text(collation="C"), "postgresql")
"""Ids and names: compared byte by byte on both databases, as Python compares them."""
COUNTER = BigInteger().with_variant(Integer, "sqlite")


def _facts() -> tuple[Column[int], ...]:
    """What every index of the search holds of a decision, so that a filter need not read the decision."""
    return (
        Column("risk_score", SmallInteger, nullable=False),
        Column("action", SmallInteger, nullable=False),
        Column("flag_bits", SmallInteger, nullable=False),
        Column("tag_bits", SmallInteger, nullable=False),
        Column("bundle", Integer, nullable=False),
    )


FACTS = tuple(fact.name for fact in _facts())

decisions = Table(
    "decisions",
    metadata,
    Column("event_time_ms", BigInteger, primary_key=True),
    Column("decision_id", ASCII, primary_key=True),
    Column("user_id", ASCII, nullable=False),
    Column("transaction_id", ASCII, nullable=False),
    *_facts(),
    Column("amount", Double, nullable=False),
    Column("currency", Text, nullable=False),
    Column("probability", Double),
    Column("coverage", Double),
    Column("enrichment", Text, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("stale_history", Boolean, nullable=False),
    Column("merchant_id", Text),
    Column("body", Text, nullable=False),
    Column("feature_set", Text),
    Column("features", LargeBinary),
    Index("decisions_by_id", "decision_id"),
    Index("decisions_by_user", "user_id", "event_time_ms", "decision_id", *FACTS),
    Index("decisions_by_transaction", "transaction_id", "event_time_ms", "decision_id"),
    postgresql_partition_by="RANGE (event_time_ms)",
)
"""`body`: tags, flags, summary, reasons, model, rules, origin and control versions as JSON. `features`: little-endian
float64 in the order of the feature set."""

marks = Table(
    "marks",
    metadata,
    Column("kind", ASCII, primary_key=True),
    Column("value", ASCII, primary_key=True),
    Column("event_time_ms", BigInteger, primary_key=True),
    Column("decision_id", ASCII, primary_key=True),
    *_facts(),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (event_time_ms)",
)
"""What is found of decisions, each in the order of time: bundle, rule hits, flags, tags, actions but allow, score bands but
the lowest (console.store.marks)."""

reason_texts = Table(
    "reason_texts",
    metadata,
    Column("event_time_ms", BigInteger, primary_key=True),
    Column("decision_id", ASCII, primary_key=True),
    *_facts(),
    Column("words", TSVECTOR, nullable=False),
    Index("reason_texts_by_word", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    info={"only": "postgresql"},
    postgresql_partition_by="RANGE (event_time_ms)",
)
"""PostgreSQL: words of the decisions that have reasons."""

reason_search = table(
    "reason_search", column("rowid", BigInteger), column("words", Text), column("decision_id", Text),
    *(column(name, Integer) for name in FACTS),
)  # fmt: skip
"""SQLite: the same as an FTS5 table, whose row ids are in the order of time (console.store.text_search)."""

alerts = Table(
    "alerts",
    metadata,
    Column("event_time_ms", BigInteger, primary_key=True),
    Column("alert_id", ASCII, primary_key=True),
    Column("kind", ASCII, nullable=False),
    Column("user_id", ASCII, nullable=False),
    Column("action", SmallInteger, nullable=False),
    Column("flag_bits", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("alerts_by_id", "alert_id"),
    Index("alerts_by_user", "user_id", "event_time_ms", "alert_id"),
    Index("alerts_by_action", "action", "event_time_ms", "alert_id", "kind", "flag_bits"),
)
"""Alerts and flags (`kind`); `body` is the record."""

events = Table(
    "events",
    metadata,
    Column("user_id", ASCII, primary_key=True),
    Column("event_type", ASCII, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("event_id", ASCII, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Events of users as JSON of the contract. `event_id` of a transaction is its id; `at_ms` of a label is `known_at`."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("recorded_ms", BigInteger, primary_key=True),
    Column("letter_id", ASCII, primary_key=True),
    Column("user_id", ASCII),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_sha256", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Index("dead_letters_by_id", "letter_id", unique=True),
    Index("dead_letters_by_user", "user_id"),
)

positions = Table(
    "positions",
    metadata,
    Column("source", ASCII, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)

bundles = Table(
    "bundles",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("bundle", ASCII, nullable=False, unique=True),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

rule_sets = Table(
    "rule_sets",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

feature_sets = Table(
    "feature_sets",
    metadata,
    Column("feature_set", ASCII, primary_key=True),
    Column("names", Text, nullable=False),
)
"""Names of the feature sets of decisions that came with names, as a JSON list."""

erased_users = Table(
    "erased_users",
    metadata,
    Column("user_sha256", ASCII, primary_key=True),
    Column("erased_ms", BigInteger, nullable=False),
)
"""Whom the intake does not bring back: records up to that moment are left out."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", ASCII, primary_key=True),
    Column("key_hash", ASCII, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("number", COUNTER, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("user_id", ASCII),
    Column("before", Text),
    Column("after", Text),
    Index("audit_by_user", "user_id"),
    sqlite_autoincrement=True,
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", COUNTER, primary_key=True),
    Column("user_id", ASCII, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("assignee", Text),
    Column("decision_id", ASCII),
    Column("opened_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("cases_by_user", "user_id"),
    Index("cases_by_state", "state", "changed_ms"),
    sqlite_autoincrement=True,
)

case_journal = Table(
    "case_journal",
    metadata,
    Column("entry", COUNTER, primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("case_journal_by_case", "case_id", "entry"),
    sqlite_autoincrement=True,
)

READ_FROM_SOURCES = (
    decisions, marks, reason_texts, alerts, events, dead_letters, positions, bundles, rule_sets, feature_sets,
)  # fmt: skip
"""What an intake fills; all of it can be read again."""
