"""Repeats, features, hostile records, many threads, and what happens when the database is gone."""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import pytest

from benchmarks.postgresql_server import FOR_TESTS, PostgresqlServer
from console.store.errors import StoreUnavailable, StoreUrlError
from console.store.rows import Batch, DecisionFilters, DecisionRecord, Position
from console.store.store import DecisionStore
from tests.console.store.brute_force import found_by, key
from tests.console.store.made_records import FEATURE_SET, FEATURES, START_MS, random_records, record
from tests.console.store.tallies import tally
from udfs.features.feature_set import feature_set_of


def test_repeats_of_decisions_change_nothing(store: DecisionStore) -> None:
    records = random_records(seed=1, count=400)
    store.write(Batch(decisions=records))
    before = tally(store)
    store.write(Batch(decisions=records[50:250]))
    store.write(Batch(decisions=records + records))
    assert tally(store) == before
    assert before["decisions"] == 400


def test_a_decision_made_anew_takes_the_place_of_the_first_in_every_search(store: DecisionStore) -> None:
    first = random_records(seed=2, count=200)
    second = random_records(seed=3, count=200)
    renamed = [
        msgspec.structs.replace(new, decision_id=old.decision_id, event_time_ms=old.event_time_ms)
        for old, new in zip(first, second, strict=True)
    ]
    store.write(Batch(decisions=first))
    store.write(Batch(decisions=renamed))
    for filters in (
        DecisionFilters(), DecisionFilters(rule="night"), DecisionFilters(flag="AML"), DecisionFilters(tag="unusual"),
        DecisionFilters(action="hard_block"), DecisionFilters(min_score=400), DecisionFilters(text="device"),
        DecisionFilters(user_id=renamed[0].user_id),
    ):  # fmt: skip
        assert [key(row) for row in store.decisions(filters, limit=500).items] == found_by(renamed, filters), filters


def test_an_id_that_comes_again_later_is_another_decision_and_the_newest_is_given(store: DecisionStore) -> None:
    store.write(Batch(decisions=[record(1, event_time_ms=START_MS, risk_score=1)]))
    store.write(Batch(decisions=[record(1, event_time_ms=START_MS + 9 * 86_400_000, risk_score=2)]))
    assert len(store.decisions().items) == 2
    found = store.decision("D1")
    assert found is not None
    assert found.risk_score == 2


def test_positions_are_written_with_the_records_or_not_at_all(store: DecisionStore) -> None:
    store.write(Batch(decisions=[record(1)], positions=[Position("kafka:a", 0, 10), Position("kafka:a", 3, 7)]))
    store.write(Batch(positions=[Position("kafka:a", 0, 12), Position("kafka:b", 0, 1)]))
    assert store.position("kafka:a") == {0: 12, 3: 7}
    assert store.position("kafka:c") == {}
    assert store.sources() == ["kafka:a", "kafka:b"]
    broken = msgspec.structs.replace(record(2), amount=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)null"):
        store.write(Batch(decisions=[record(3), broken], positions=[Position("kafka:a", 0, 99)]))
    assert store.position("kafka:a")[0] == 12
    assert store.decision("D3") is None


def test_features_by_name_come_back_bit_by_bit(store: DecisionStore) -> None:
    values = {"amount": 0.1, "txn_count_5m": None, "velocity_score": -1e-310}
    store.write(Batch(decisions=[record(1, features=values, feature_set=FEATURE_SET)]))
    found = store.decision("D1")
    assert found is not None
    assert found.features == values
    assert list(found.features or ()) == list(FEATURES)
    assert found.feature_set == FEATURE_SET


def test_packed_features_are_named_by_the_installed_feature_set(store: DecisionStore) -> None:
    own = feature_set_of()
    values = [math.nan if place % 7 == 0 else place / 3 for place in range(len(own.names))]
    packed = struct.pack(f"<{len(values)}d", *values)
    store.write(
        Batch(decisions=[
            record(1, features_packed=packed, feature_set=own.version),
            record(2, features_packed=packed, feature_set="of_others"),
            record(3, features_packed=packed[:-8], feature_set=own.version),
        ])
    )  # fmt: skip
    found = store.decision("D1")
    assert found is not None
    expected = {name: None if math.isnan(value) else value for name, value in zip(own.names, values, strict=True)}
    assert found.features == expected
    for other, feature_set in (("D2", "of_others"), ("D3", own.version)):
        row = store.decision(other)
        assert row is not None
        assert (row.features, row.feature_set) == (None, feature_set)


def test_features_of_earlier_decisions_without_a_feature_set_are_named(store: DecisionStore) -> None:
    store.write(Batch(decisions=[record(1, features={"b": 1.0, "a": None}), record(2, features={"a": 2.0, "b": 3.0})]))
    one, two = store.decision("D1"), store.decision("D2")
    assert one is not None
    assert two is not None
    assert one.features == {"b": 1.0, "a": None}
    assert two.features == {"a": 2.0, "b": 3.0}
    assert one.feature_set != two.feature_set


def test_months_get_partitions_and_other_times_the_rest(open_store: Callable[[str], DecisionStore]) -> None:
    from console.store.partitions import Month, existing_months

    store = open_store("postgresql")
    hostile = [0, 4_102_444_800_000 * 2, 253_402_300_799_999]
    times = [START_MS - 1, START_MS, START_MS + 31 * 86_400_000, *hostile]
    store.write(Batch(decisions=[record(n, event_time_ms=time, hits=["night"]) for n, time in enumerate(times)]))
    with store.database.read() as connection:
        assert existing_months(connection) == [Month(2025, 12), Month(2026, 1), Month(2026, 2)]
        from sqlalchemy import text

        per_table = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()
            for name in (
                "decisions_y2025m12",
                "decisions_y2026m01",
                "decisions_y2026m02",
                "decisions_rest",
                "marks_rest",
            )
        }
    assert list(per_table.values()) == [1, 1, 1, 3, 6]
    assert [row.event_time_ms for row in store.decisions(DecisionFilters(rule="night")).items] == sorted(
        times, reverse=True
    )
    store.write(Batch(decisions=[record(n, event_time_ms=time, hits=[]) for n, time in enumerate(times)]))
    assert store.decisions(DecisionFilters(rule="night")).items == []


def test_readers_and_writers_of_many_threads_do_not_disturb_each_other(store: DecisionStore) -> None:
    records = random_records(seed=4, count=1_200)
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        return run

    def writes(part: list[DecisionRecord]) -> Callable[[], None]:
        def work() -> None:
            for start in range(0, len(part), 50):
                store.write(Batch(decisions=part[start : start + 50]))

        return work

    def reads() -> None:
        random = Random(0)
        for _ in range(40):
            store.decisions(DecisionFilters(user_id=f"U{random.randrange(40)}"), limit=20)
            store.decisions(DecisionFilters(rule="night"), limit=20)

    work = [writes(records[start::3]) for start in range(3)] + [reads] * 3
    threads = [threading.Thread(target=guarded(one)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [key(row) for row in store.decisions(limit=2_000).items] == found_by(records, DecisionFilters())


def test_a_killed_server_is_unavailable_and_the_store_goes_on_when_it_is_back() -> None:
    server = PostgresqlServer(**FOR_TESTS | {"fsync": "on", "synchronous_commit": "on"})
    server.start()
    try:
        store = DecisionStore.open(server.make_database("killed"))
        store.write(Batch(decisions=[record(1)]))
        server.kill()
        for call in (lambda: store.write(Batch(decisions=[record(2)])), store.decisions, store.ping):
            with pytest.raises(StoreUnavailable, match="try again") as caught:
                call()
            assert caught.value.retryable
        server.start()
        store.write(Batch(decisions=[record(2)]))
        assert [row.decision_id for row in store.decisions().items] == ["D2", "D1"]
        store.close()
    finally:
        server.stop()


def test_a_database_that_another_program_locks_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    monkeypatch.setattr(
        "console.store.engine._SQLITE_SETTINGS", ("PRAGMA journal_mode = WAL", "PRAGMA busy_timeout = 100")
    )
    store = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked") as caught:
        store.write(Batch(decisions=[record(1)]))
    assert caught.value.retryable
    assert store.decisions().items == []
    other.execute("ROLLBACK")
    store.write(Batch(decisions=[record(1)]))
    assert len(store.decisions().items) == 1
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://a/b", "mysql"),
        ("nonsense", "not a URL"),
        ("sqlite://", "needs a file"),
        ("postgresql://u:secret@h", "needs a database"),
        ("sqlite:////proc/none/store.sqlite", "name another file"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreUrlError, match=words) as caught:
        DecisionStore.open(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"hello, this is not a database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database") as caught:
        DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    assert not caught.value.retryable


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="refused") as caught:
        DecisionStore.open("postgresql://u:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)


def test_a_sqlite_store_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}").close()
    assert (tmp_path / "store.sqlite").stat().st_mode & 0o777 == 0o600
