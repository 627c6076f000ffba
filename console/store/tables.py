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

QUEUE_ORDER = (
    "event_time_ms", "risk_score", "amount", "case_id", "action", "assignee", "claimed_by", "lease_until_ms", "due_ms",
    "outcome",
)  # fmt: skip

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
    Column("event_time_ms", BigInteger),
    Column("transaction_id", ASCII),
    Column("action", SmallInteger),
    Column("risk_score", SmallInteger),
    Column("amount", Double),
    Column("currency", Text),
    Column("merchant_id", Text),
    Column("claimed_by", Text),
    Column("lease_until_ms", BigInteger),
    Column("due_ms", BigInteger),
    Column("outcome", Text),
    Index("cases_by_user", "user_id"),
    Index("cases_by_state", "state", "changed_ms"),
    Index("cases_by_alert", "decision_id", "event_time_ms", unique=True),
    Index("cases_in_queue", "state", *QUEUE_ORDER),
    sqlite_autoincrement=True,
)
"""What is done about an alert: one case an alert, opened with it. `claimed_by` until `lease_until_ms`; `outcome` of a closed
one. The index `cases_in_queue` holds all that the queue is ordered and usually filtered by."""

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

case_links = Table(
    "case_links",
    metadata,
    Column("kind", ASCII, primary_key=True),
    Column("value", ASCII, primary_key=True),
    Column("event_time_ms", BigInteger, primary_key=True),
    Column("decision_id", ASCII, primary_key=True),
    Column("user_id", ASCII, nullable=False),
    Index("case_links_by_decision", "decision_id", "event_time_ms"),
    Index("case_links_by_user", "user_id"),
    sqlite_with_rowid=False,
)
"""Devices, beneficiaries, merchants, cards and IP addresses of the alerts' payments."""

rule_outcomes = Table(
    "rule_outcomes",
    metadata,
    Column("rule", ASCII, primary_key=True),
    Column("case_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event_time_ms", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("amount", Double),
    Column("currency", Text),
    Index("rule_outcomes_by_case", "case_id"),
    sqlite_with_rowid=False,
)
"""The rules that hit in closed cases, with what these turned out to be."""

snoozes = Table(
    "snoozes",
    metadata,
    Column("snooze_id", COUNTER, primary_key=True),
    Column("user_id", ASCII, nullable=False),
    Column("rule", ASCII, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_by", Text),
    Index("snoozes_by_user", "user_id", "rule"),
    sqlite_autoincrement=True,
)
"""Rules whose alerts of a user are not in the queue until `until_ms`, or until somebody ended that before."""

snoozed_cases = Table(
    "snoozed_cases",
    metadata,
    Column("case_id", BigInteger, primary_key=True, autoincrement=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("snoozed_cases_by_end", "until_ms", "case_id"),
)
"""The cases that snoozes keep out of the queue, and until when; a time that has passed says nothing."""

case_files = Table(
    "case_files",
    metadata,
    Column("file_id", COUNTER, primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("case_files_by_case", "case_id", "sha256", unique=True),
    sqlite_autoincrement=True,
)
"""Files that people have added to cases, as they came."""

label_outbox = Table(
    "label_outbox",
    metadata,
    Column("event_id", ASCII, primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("user_id", ASCII, nullable=False),
    Column("payload", Text, nullable=False),
    Column("send_after_ms", BigInteger, nullable=False),
    Column("sent_ms", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("refusal", Text),
    Index("label_outbox_waiting", "sent_ms", "send_after_ms"),
    Index("label_outbox_by_user", "user_id"),
    Index("label_outbox_by_case", "case_id"),
)
"""Labels of outcomes, as JSON of docs/events.md, until they have been sent. `refusal`: why one is never sent."""

console_users = Table(
    "console_users",
    metadata,
    Column("name", ASCII, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("session_hash", ASCII, primary_key=True),
    Column("name", ASCII, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("console_sessions_by_name", "name"),
)
"""Sign-ins, of whose tokens only hashes are kept."""

saved_views = Table(
    "saved_views",
    metadata,
    Column("owner", ASCII, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""Filters, order and columns of the queue by name, each of one person."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", COUNTER, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("delivered_ms", BigInteger),
    Column("failure", Text),
    Column("through_case", BigInteger, nullable=False),
    Column("through_control", BigInteger),
    Column("after_case", BigInteger),
    Column("after_control", BigInteger),
    Index("deliveries_by_channel", "channel", "made_ms"),
    sqlite_autoincrement=True,
)
"""The log of notifications. `through_case`: number of the newest case that one tells of; `through_control`: of the newest
record of the control log that was looked at for it; `after_case`, `after_control`: of the newest ones that the message
before has told of, null where an earlier version has written the row."""

control_proposals = Table(
    "control_proposals",
    metadata,
    Column("proposal_id", COUNTER, primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("element_key", ASCII, nullable=False),
    Column("element_version", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("published_ms", BigInteger),
    Column("location", Text),
    sqlite_autoincrement=True,
)
"""`body`: element, authorship and approval as JSON (udfs.control.envelope.Proposal)."""

control_log = Table(
    "control_log",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("location", Text, nullable=False, unique=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("payload", LargeBinary, nullable=False),
    Column("hash", ASCII, nullable=False),
)
"""The records of the control stream as they were first seen. `hash`: over the row and the hash before it."""

backtests = Table(
    "backtests",
    metadata,
    Column("backtest_id", ASCII, primary_key=True),
    Column("made_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""What proposals of rules rest on: reports as JSON, without examples, so that nobody's payments are in them."""

READ_FROM_SOURCES = (
    decisions, marks, reason_texts, alerts, events, dead_letters, positions, bundles, rule_sets, feature_sets,
)  # fmt: skip
"""What an intake fills; all of it can be read again."""
