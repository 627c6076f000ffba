"""Completeness of entity history: from the writers through a store to the status `stale`."""

from __future__ import annotations

import sqlite3
from itertools import count
from pathlib import Path

import pytest

from tests.core.learners import Learning
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketSettings, Entity
from udfs.entities.counter import CountingSettings, EntityCounter, EntityCounts
from udfs.features.catalogue import NAMES
from udfs.records.profiles import UserProfile
from udfs.stores.completeness import CompletenessTracker
from udfs.stores.history_writer import HistoryWriter, HistoryWriterSettings
from udfs.stores.port import LOADED, CompleteThrough, Loaded, StoreEmpty, StoreUnavailable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings
from udfs.stores.sqlite import SqliteStore

HOUR = 3_600_000
START = 1_767_225_600_000
COUNTER = EntityCounter(CountingSettings(reader_lag_ms=0))
M, N = Entity("merchant", "M"), Entity("ip", "N")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "new" / "s.sqlite", BucketSettings())


def writer_of(store: SqliteStore, number: int, writers: int = 2) -> HistoryWriter:
    return HistoryWriter(store, COUNTER, HistoryWriterSettings(batch=1, max_waiting=1), number, writers)


def paid(counts: EntityCounts, time_ms: int) -> EntityCounts:
    COUNTER.add_transaction(counts, "merchant", "u", time_ms, time_ms, 100)
    return counts


def test_figures_beyond_the_slowest_writer_are_stale(store: SqliteStore) -> None:
    """writer 1 is at 2:00, writer 2 at 0:30, then at 3:00; read as of 1:30"""
    clock = [0]
    cache = CacheSettings(fresh_ms=100)
    source = RemoteSource(CompletenessTracker(store, lambda: clock[0]), cache, lambda: clock[0])
    learning = Learning(source=source, cache=cache)
    t = START + 3 * HOUR // 2

    def learn() -> tuple[str, bool, float]:
        """Status, whether a history is stale, and the merchant's transactions of a day, as of `t`."""
        payment = b'{"transaction_id":"T%d","user_id":"U","timestamp":%d,"amount":1,"merchant_id":"M"}'
        (outcome,) = learning.learn([("U", payment % (next(numbers), t), None)])
        return outcome[3], outcome[2], learning.learner.features()[0, NAMES.index("merchant_txn_count_1d")]

    numbers = count()
    assert not source.now()[1]
    one, two = writer_of(store, 1), writer_of(store, 2)
    one.changed(M, paid(paid(EntityCounts(), START), START + 2 * HOUR))
    one.flush()
    learn()
    assert not source.now()[1]  # the second writer has not written its progress yet
    two.changed(N, paid(EntityCounts(), START + HOUR // 2))
    two.flush()
    for now, expected in ((999, None), (1_100, True), (1_999, True), (2_200, False)):
        clock[0] = now
        status, is_stale, transactions = learn()
        assert status == "ok"
        if expected is not None:
            assert source.now()[1]
            assert is_stale is expected, now
            assert transactions == 1
        if now == 1_100:
            two.changed(N, paid(EntityCounts(), START + 3 * HOUR))
            two.flush()
    assert source.now()[2] == START + 2 * HOUR


def test_progress_of_fewer_writers_replaces_that_of_more(store: SqliteStore) -> None:
    for number in (1, 2):
        writer = writer_of(store, number)
        writer.changed(M, paid(EntityCounts(), START + number))
        writer.flush()
    alone = writer_of(store, 1, writers=1)
    alone.changed(M, paid(EntityCounts(), START + 50))
    alone.flush()
    histories = CompletenessTracker(store, lambda: 0)
    histories.get_many(["history:merchant:M"])
    assert histories.complete_through_ms == START + 50
    assert store.get_many(["complete-through:0"]) == [CompleteThrough(1, 0)]


def remove(tmp_path: Path, pattern: str) -> None:
    with sqlite3.connect(tmp_path / "new" / "s.sqlite") as database:
        database.execute("DELETE FROM records WHERE key LIKE ?", (pattern,))


def test_a_store_that_lost_its_content_is_empty_though_histories_are_still_written(
    tmp_path: Path, store: SqliteStore
) -> None:
    """loaded, with histories .. emptied, a history written: empty .. loaded again: no history is complete"""
    store.put_many({LOADED: Loaded(1), "user:U": UserProfile(user_id="U")}, None)
    writer = writer_of(store, 1, writers=1)
    writer.changed(M, paid(EntityCounts(), START))
    writer.flush()
    tracker = CompletenessTracker(store, lambda: 0, refresh_ms=0)
    assert tracker.get_many(["user:U"]) == [UserProfile(user_id="U")]
    assert (tracker.holds_histories, tracker.complete_through_ms) == (True, START)

    remove(tmp_path, "%")
    writer.changed(N, paid(EntityCounts(), START + 5))
    writer.flush()
    later = CompletenessTracker(store, lambda: 0, refresh_ms=0)  # of a scorer that starts now
    for one in (tracker, later):
        with pytest.raises(StoreEmpty, match="fill it with `fraud load`"):
            one.get_many(["user:U"])

    store.put_many({LOADED: Loaded(2)}, None)
    for one in (tracker, later):
        assert one.get_many(["user:U"]) == [None]
        assert not one.holds_histories


def test_a_store_that_was_loaded_is_empty_without_the_mark_of_it(tmp_path: Path, store: SqliteStore) -> None:
    """The entity job alone is no `fraud load`, but it is all that a store of histories needs."""
    writer = writer_of(store, 1, writers=1)
    writer.changed(M, paid(EntityCounts(), START))
    writer.flush()
    tracker = CompletenessTracker(store, lambda: 0, refresh_ms=0)
    assert tracker.get_many(["user:U"]) == [None]
    store.put_many({LOADED: Loaded(1)}, None)
    tracker.get_many(["user:U"])
    remove(tmp_path, LOADED)
    writer_of(store, 1, writers=1).flush()  # the entity job starts again
    with pytest.raises(StoreEmpty):
        tracker.get_many(["user:U"])


def test_failed_writes_stay_buffered_and_are_retried(tmp_path: Path, store: SqliteStore) -> None:
    writer = writer_of(store, 1)
    store.close()  # every write fails
    writer._store = store
    writer.changed(M, paid(EntityCounts(), START))
    with pytest.raises(Exception, match="closed"):
        writer.flush()
    assert writer.waiting == [M]
    writer.flush_if_due(0)
    assert (writer.failures, writer.waiting) == (1, [M])
    writer.changed(N, paid(EntityCounts(), START))
    writer.flush_if_due(999)  # not retried within a second
    assert writer.failures == 1
    with pytest.raises(StoreUnavailable):  # two are buffered, the limit is one
        writer.flush_if_due(1_000)
    again = SqliteStore(tmp_path / "new" / "s.sqlite", BucketSettings())
    writer._store = again
    writer.flush()
    found = again.get_many(["history:merchant:M", "history:ip:N"])
    assert all(isinstance(record, EntityHistory) for record in found)
    assert writer.waiting == []


def test_broad_kinds_are_written_less_often_and_limit_progress(store: SqliteStore) -> None:
    """0.0 s: M and C, written .... from 0.5 s: M changes with C, then alone; C is written after 10 seconds"""
    writer = HistoryWriter(store, COUNTER, HistoryWriterSettings(flush_ms=500, broad_flush_ms=10_000), 1, 1)
    of_m, of_c = EntityCounts(), EntityCounts()
    c = Entity("category", "5411")

    def written(now_ms: int) -> tuple[int, int, int]:
        writer.flush_if_due(now_ms)
        m, category, complete = store.get_many(["history:merchant:M", "history:category:5411", "complete-through:1"])
        assert isinstance(m, EntityHistory)
        assert isinstance(category, EntityHistory)
        assert isinstance(complete, CompleteThrough)
        return sum(m.row.transactions), sum(category.row.transactions), complete.complete_through_ms - START

    def both(time_ms: int) -> None:
        writer.changed(M, paid(of_m, START + time_ms))
        COUNTER.add_transaction(of_c, "category", "u", START + time_ms, START + time_ms, 100)
        writer.changed(c, of_c)

    both(0)
    assert written(0) == (1, 1, 0)
    both(400)
    assert written(499) == (1, 1, 0)
    assert written(500) == (2, 1, 399)  # the change of C at 400 is not written yet
    writer.changed(M, paid(of_m, START + 900))
    assert written(1_000) == (3, 1, 399)
    assert writer.waiting == [c]
    assert written(9_999) == (3, 1, 399)
    assert written(10_000) == (3, 2, 900)
    assert (writer.waiting, writer.wait_ms(M), writer.wait_ms(c)) == ([], 500, 10_000)
    both(20_000)
    writer.flush()
    assert written(10_001) == (4, 3, 20_000)
