"""Migrations, move, backup, erasure, retention, keys and audit."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text

from console.store import migrations, retention
from console.store import move as move_module
from console.store.backup import backup
from console.store.engine import Database
from console.store.erase import erase_user, newest_record_ms
from console.store.errors import BackupError, MoveError, StoreVersionError
from console.store.intake import BatchMaker, Place
from console.store.migrations import migrate
from console.store.move import move
from console.store.partitions import existing_months
from console.store.retention import RetentionPolicy, apply_retention
from console.store.rows import AuditEntry, Batch, DecisionFilters, DecisionRecord, Position
from console.store.store import DecisionStore
from console.store.tables import alerts, cases, metadata
from tests.console.store.brute_force import found_by, key
from tests.console.store.made_records import DAY_MS, START_MS, alert_of, random_records, record
from tests.console.store.tallies import tally
from udfs.records.codec import decode_event
from udfs.records.outputs import Origin

OpenStore = Callable[[str], DecisionStore]
NOW_MS = START_MS + 100 * DAY_MS
SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
NEWEST = SCRIPTS.get_current_head()


def fill(store: DecisionStore, records: list[DecisionRecord]) -> None:
    """Decisions, alerts, events, dead letters, a key, audit entries, a case."""
    events = [
        {"type": "login", "event_id": f"L{n}", "user_id": one.user_id, "timestamp": one.event_time_ms}
        for n, one in enumerate(records[::3])
    ]
    maker = BatchMaker()
    for number, one in enumerate(records[:20]):
        payload = msgspec.json.encode({"user_id": one.user_id, "amount": "x"})
        maker.add("decisions", payload, Place("kafka:d", 0, number, one.event_time_ms))
    store.write(
        Batch(
            decisions=records, alerts=[alert_of(one) for one in records if one.action != "allow"],
            events=[decode_event(msgspec.json.encode(event)) for event in events],
            dead_letters=maker.take().dead_letters, positions=[Position("kafka:d", 2, 77)],
        )
    )  # fmt: skip
    store.add_key("till", "scorer", 5)
    store.audit(AuditEntry(at_ms=6, who="me", what="keys.add", subject="till", after={"role": "scorer"}))
    store.audit(AuditEntry(at_ms=7, who="me", what="cases.open", subject="U1", user_id="U1", after={"state": "open"}))
    with store.database.write() as connection:
        connection.execute(text(
            "INSERT INTO cases (user_id, state, title, opened_ms, changed_ms) VALUES ('U1', 'open', 'odd', 1, 1)"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO case_journal (case_id, at_ms, who, what, body) SELECT case_id, 1, 'me', 'note', 'U1?' FROM cases"
            " WHERE title = 'odd'"
        ))  # fmt: skip


@pytest.mark.parametrize("revision", [script.revision for script in SCRIPTS.walk_revisions()])
def test_migrations_from_every_version_make_the_tables_that_the_program_knows(url: str, revision: str) -> None:
    database = Database(url)
    migrate(database, revision)
    database.close()
    store = DecisionStore.open(url)
    found = inspect(store.database.engine)
    kind = "sqlite" if store.database.is_sqlite else "postgresql"
    for table in metadata.sorted_tables:
        if table.info.get("only") not in (None, kind):
            continue
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert list(columns) == [column.name for column in table.columns], table.name
        for column in table.columns:
            compiled = column.type.compile(store.database.engine.dialect)
            reflected = columns[column.name]["type"].compile(store.database.engine.dialect)
            assert reflected.partition(" COLLATE")[0] == compiled.partition(" COLLATE")[0], column
            assert columns[column.name]["nullable"] == column.nullable, column
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [one.name for one in table.primary_key]
        indexes = {
            one["name"]: one["column_names"]
            for one in found.get_indexes(table.name)
            if not one.get("duplicates_constraint")
        }
        assert indexes == {one.name: [part.name for part in one.columns] for one in table.indexes}, table.name
    store.close()


def test_migrating_again_changes_nothing_and_can_be_done_by_many_at_once(url: str) -> None:
    failures: list[BaseException] = []

    def open_and_write(number: int) -> None:
        try:
            store = DecisionStore.open(url)
            store.write(Batch(decisions=[record(number)]))
            store.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_and_write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = DecisionStore.open(url)
    migrate(store.database)
    assert tally(store)["decisions"] == 4
    with store.database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST]
    store.close()


def test_a_store_of_the_first_version_gets_a_case_of_each_alert(url: str) -> None:
    database = Database(url)
    migrate(database, "0001")
    body = {
        "user_id": "U1", "transaction_id": "T1", "summary": "new device", "risk_score": 640, "amount": 12.5,
        "currency": "EUR", "merchant_id": "M1",
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(
            insert(alerts),
            [
                {
                    "event_time_ms": 7,
                    "alert_id": name,
                    "kind": kind,
                    "user_id": "U1",
                    "action": 2,
                    "flag_bits": 0,
                    "body": json.dumps(body),
                }
                for name, kind in (("d1", "alert"), ("d2", "alert"), ("f1", "flag"))
            ],
        )  # fmt: skip
    database.close()
    store = DecisionStore.open(url)
    with store.database.read() as connection:
        found = connection.execute(select(cases).order_by(cases.c.decision_id)).mappings().all()
    store.close()
    assert [(row["decision_id"], row["state"], row["title"], row["action"]) for row in found] == [
        ("d1", "open", "new device", 2), ("d2", "open", "new device", 2),
    ]  # fmt: skip
    assert [(row["risk_score"], row["amount"], row["currency"], row["merchant_id"]) for row in found] == [
        (640, 12.5, "EUR", "M1")
    ] * 2


def test_a_store_of_a_later_version_is_left_alone(url: str) -> None:
    DecisionStore.open(url).close()
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreVersionError, match="later version"):
        DecisionStore.open(url)
    database.close()


def test_a_moved_store_has_the_same_rows_and_goes_on(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(move_module, "ROWS_AT_ONCE", 300)
    source, target = open_store("sqlite"), open_store("postgresql")
    records = random_records(seed=8, count=1_000)
    fill(source, records)
    seen: list[tuple[int, int]] = []
    copied = move(source, target, lambda done, total: seen.append((done, total)))
    assert tally(target) == tally(source)
    assert copied["decisions"] == 1_000
    assert seen[-1][0] == seen[-1][1] == sum(copied.values())
    for filters in (
        DecisionFilters(), DecisionFilters(text="device"), DecisionFilters(rule="night", flag="AML"),
        DecisionFilters(user_id="U3"), DecisionFilters(bundle="b2", min_score=100),
    ):  # fmt: skip
        found = target.decisions(filters, limit=2_000).items
        assert [key(row) for row in found] == found_by(records, filters), filters
        assert found == source.decisions(filters, limit=2_000).items
    some = records[17].decision_id
    assert target.decision(some) == source.decision(some)
    assert target.position("kafka:d") == {2: 77}
    assert target.keys() == source.keys()
    assert target.audit_log() == source.audit_log()
    target.audit(AuditEntry(at_ms=8, who="me", what="later"))  # numbers go on after the copied ones
    assert [entry.at_ms for entry in target.audit_log().items] == [8, 7, 6]
    target.write(Batch(decisions=records[:50]))
    assert tally(target)["decisions"] == 1_000
    with pytest.raises(MoveError, match="not empty"):
        move(source, target)
    with pytest.raises(MoveError, match="SQLite to PostgreSQL"):
        move(target, source)


def test_an_empty_store_can_be_moved(open_store: OpenStore) -> None:
    source, target = open_store("sqlite"), open_store("postgresql")
    assert set(move(source, target).values()) == {0}
    target.audit(AuditEntry(at_ms=1, who="me", what="first"))
    assert len(target.audit_log().items) == 1


def test_a_move_that_fails_leaves_the_target_empty(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = open_store("sqlite"), open_store("postgresql")
    fill(source, random_records(seed=8, count=300))
    with source.database.write() as connection:
        connection.execute(text("INSERT INTO positions VALUES ('bad', 1, 'no number')"))
    with pytest.raises(Exception, match=r"no number|integer|bigint"):
        move(source, target)
    assert sum(tally(target).values()) == 0
    with target.database.read() as connection:
        assert existing_months(connection) == []


def test_a_backup_under_writes_is_a_store_of_one_moment(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store("sqlite")
    store.write(Batch(decisions=[record(n) for n in range(500)], positions=[Position("s", 0, 500)]))
    stop = threading.Event()

    def keep_writing() -> None:
        number = 500
        while not stop.is_set():
            store.write(Batch(decisions=[record(number)], positions=[Position("s", 0, number + 1)]))
            number += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        size = backup(store.database, tmp_path / "copies" / "copy.sqlite")
    finally:
        stop.set()
        writer.join()
    assert size == (tmp_path / "copies" / "copy.sqlite").stat().st_size
    copy = DecisionStore.open(f"sqlite:///{tmp_path / 'copies' / 'copy.sqlite'}")
    count = tally(copy)["decisions"]
    assert count >= 500
    assert copy.position("s") == {0: count}
    copy.close()
    assert (tmp_path / "copies" / "copy.sqlite").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="is there already"):
        backup(store.database, tmp_path / "copies" / "copy.sqlite")
    with pytest.raises(BackupError, match="cannot be written"):
        backup(store.database, Path("/proc/none/copy.sqlite"))
    with pytest.raises(BackupError, match="pg_dump"):
        backup(open_store("postgresql").database, tmp_path / "other")


def test_an_erased_user_is_nowhere_and_does_not_come_back(store: DecisionStore, tmp_path: Path) -> None:
    records = random_records(seed=9, count=600)
    fill(store, records)
    maker = BatchMaker()
    maker.add_letter(b"broken U1 record", "not JSON", Origin("f"), Place("f", 0, 1, 1))
    maker.add_letter(b"broken U12 record", "not JSON", Origin("f"), Place("f", 0, 2, 1))
    store.write(maker.take())
    before = tally(store)
    of_user = [one for one in records if one.user_id == "U1"]
    assert newest_record_ms(store.database, "U1") == max(one.event_time_ms for one in of_user)
    erased = erase_user(store.database, "U1", NOW_MS)
    after = tally(store)
    assert erased.counts["decisions"] == len(of_user) > 5
    assert erased.counts["cases"] == 1 + sum(one.action != "allow" for one in of_user)
    assert erased.counts["case_journal"] == erased.counts["audit"] == 1
    for name in ("decisions", "alerts", "events", "dead_letters", "cases", "case_journal"):
        assert before[name] - after[name] == erased.counts[name], name
    rest = [one for one in records if one.user_id != "U1"]
    for filters in (
        DecisionFilters(),
        DecisionFilters(rule="night"),
        DecisionFilters(text="device"),
        DecisionFilters(user_id="U1"),
    ):
        assert [key(row) for row in store.decisions(filters, limit=1_000).items] == found_by(rest, filters)
    assert store.timeline("U1").items == []
    assert store.audit_log().items[0] == AuditEntry(at_ms=7, who="me", what="cases.open", subject="erased")
    assert all(
        letter.user_id != "U1" and letter.payload != b"broken U1 record"
        for letter in store.dead_letters(limit=99).items
    )
    store.write(Batch(decisions=of_user, alerts=[alert_of(one) for one in of_user]))
    assert tally(store)["decisions"] == after["decisions"]
    store.write(Batch(decisions=[record(1, event_time_ms=NOW_MS + 1)]))  # a customer again
    assert [row.event_time_ms for row in store.decisions(DecisionFilters(user_id="U1")).items] == [NOW_MS + 1]
    assert newest_record_ms(store.database, "nobody") is None
    assert b"U1?" not in _everything(store)


def test_an_erasure_among_the_events_removes_what_is_older_and_is_audited_once(store: DecisionStore) -> None:
    """… U1, U1 | erasure | U1 …, with later records of U1 in the store before the erasure is read"""
    records = random_records(seed=9, count=600)
    fill(store, records)
    moment_ms = START_MS + 20 * DAY_MS
    old = [one for one in records if one.user_id == "U1" and one.event_time_ms <= moment_ms]
    assert 3 < len(old) < sum(one.user_id == "U1" for one in records) - 3
    maker = BatchMaker()
    event = {"type": "erasure", "event_id": "E7", "user_id": "U1", "timestamp": moment_ms}
    login = {"type": "login", "event_id": "L-7", "user_id": "U1", "timestamp": moment_ms}
    for _ in range(2):
        for number, one in enumerate((login, event, login)):
            maker.add("events", msgspec.json.encode(one), Place("kafka:e", 0, number, moment_ms))
        store.write(maker.take())
        kept = [one for one in records if one not in old]
        for filters in (DecisionFilters(), DecisionFilters(rule="night"), DecisionFilters(user_id="U1")):
            assert [key(row) for row in store.decisions(filters, limit=1_000).items] == found_by(kept, filters)
    assert "L-7" not in str(store.timeline("U1", limit=500).items)
    entries = [one for one in store.audit_log().items if one.what == "user erased"]
    assert [(one.at_ms, one.who, one.subject) for one in entries] == [(moment_ms, "an erasure among the events", "E7")]
    assert entries[0].after is not None
    assert entries[0].after["decisions"] == len(old)
    assert "U1" not in str(entries)


def test_an_erasure_from_the_future_is_none_as_for_the_scorer(store: DecisionStore) -> None:
    store.write(Batch(decisions=[record(1)]))
    maker = BatchMaker()
    event = {"type": "erasure", "event_id": "E7", "user_id": record(1).user_id, "timestamp": NOW_MS}
    maker.add("events", msgspec.json.encode(event), Place("kafka:e", 0, 1, NOW_MS - 11 * 60_000))
    store.write(maker.take())
    assert tally(store)["decisions"] == 1


def _everything(store: DecisionStore) -> bytes:
    """All rows of cases and journal as text."""
    with store.database.read() as connection:
        rows = [
            *connection.execute(text("SELECT * FROM cases")),
            *connection.execute(text("SELECT * FROM case_journal")),
        ]
    return repr(rows).encode()


def test_retention_removes_what_is_older_and_nothing_else(store: DecisionStore) -> None:
    records = random_records(seed=10, count=2_500)
    fill(store, records)
    policy = RetentionPolicy(decisions_days=50, alerts_days=60, events_days=70, dead_letters_days=80, audit_days=None)
    removed = apply_retention(store.database, policy, NOW_MS)
    kept = [one for one in records if one.event_time_ms >= NOW_MS - 50 * DAY_MS]
    assert 0 < len(kept) < 2_500
    assert removed["decisions"] == 2_500 - len(kept)
    for filters in (
        DecisionFilters(),
        DecisionFilters(rule="night"),
        DecisionFilters(text="foreign"),
        DecisionFilters(user_id="U3"),
    ):
        assert [key(row) for row in store.decisions(filters, limit=3_000).items] == found_by(kept, filters)
    counts = tally(store)
    assert counts["reason_texts"] == sum(bool(one.reasons) for one in kept)
    alerted = [one for one in records if one.action != "allow"]
    assert counts["alerts"] == sum(one.event_time_ms >= NOW_MS - 60 * DAY_MS for one in alerted)
    assert counts["events"] == sum(one.event_time_ms >= NOW_MS - 70 * DAY_MS for one in records[::3])
    assert counts["audit"] == 2
    if not store.database.is_sqlite:
        with store.database.read() as connection:
            assert [month.month for month in existing_months(connection)] == [2, 3]
    assert apply_retention(store.database, policy, NOW_MS)["decisions"] == 0
    store.write(Batch(decisions=records[:100]))  # months that were dropped are made again
    assert len(store.decisions(limit=3_000).items) == len({key(one) for one in kept + records[:100]})


def test_keys_are_found_by_their_text_until_they_are_revoked(store: DecisionStore) -> None:
    first, second = store.add_key("till", "scorer", 10), store.add_key("desk", "analyst", 20)
    assert first != second
    assert len(first) > 40
    found = store.key(first)
    assert found is not None
    assert (found.name, found.role, found.created_ms, found.revoked_ms) == ("till", "scorer", 10, None)
    assert store.key("fd_nothing") is None
    assert store.key("\ud800") is None
    assert store.revoke_key(found.key_id, 30)
    assert not store.revoke_key(found.key_id, 40)
    assert not store.revoke_key("nothing", 40)
    assert store.key(first) is None
    rows = store.keys()
    assert [(one.name, one.revoked_ms) for one in rows] == [("till", 30), ("desk", None)]
    assert first not in repr(rows)
    with pytest.raises(ValueError, match="role"):
        store.add_key("x", "root", 1)  # type: ignore[arg-type]


def test_the_audit_log_is_paged_newest_first(store: DecisionStore) -> None:
    entries = [
        AuditEntry(at_ms=n, who=f"w{n}", what="rules.change", subject=str(n), before={"v": n}, after=None)
        for n in range(25)
    ]
    for entry in entries:
        store.audit(entry)
    found: list[AuditEntry] = []
    cursor = None
    while True:
        page = store.audit_log(cursor, 10)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == entries[::-1]


def test_a_store_is_wal_and_waits_for_other_writers(open_store: OpenStore) -> None:
    store = open_store("sqlite")
    with store.database.read() as connection:
        got = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "page_size")
        ]
    assert got == ["wal", 15_000, 8_192]
    assert store.database.path is not None
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=store.write, args=(Batch(decisions=[record(1)]),))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    other.execute("COMMIT")
    waiting.join(10)
    assert tally(store)["decisions"] == 1


def test_retention_lets_others_write_between_its_steps(store: DecisionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, random_records(seed=10, count=900))
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 50)
    steps = []
    begin = store.database.write_alone
    monkeypatch.setattr(store.database, "write_alone", lambda: steps.append(1) or begin())  # type: ignore[func-returns-value]
    policy = RetentionPolicy(decisions_days=None, alerts_days=None, events_days=0.001, dead_letters_days=None)
    removed = apply_retention(store.database, policy, NOW_MS)
    assert removed == {"events": 300}
    assert len(steps) == 300 // 50 + 1
    assert tally(store)["events"] == 0


def test_the_audit_log_forgets_who_was_blocked(store: DecisionStore) -> None:
    def entry(subject: str) -> AuditEntry:
        return AuditEntry(at_ms=6, who="me", what="control published", subject=subject, after={"proposal": 1})

    subjects = [
        "block-list/user:U1 version 3", "block-list/user:U1", "block-list/user:U11 version 3",
        "block-list/device:U1 version 3", "block-list/user:u1 version 1",
    ]  # fmt: skip
    for subject in subjects:
        store.audit(entry(subject))
    assert erase_user(store.database, "U1", NOW_MS).counts["audit"] == 2
    told = {(one.subject, str(one.after)) for one in store.audit_log().items}
    assert told == {("erased", "None"), *((subject, "{'proposal': 1}") for subject in subjects[2:])}
