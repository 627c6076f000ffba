"""Over a remote store that is unreadable here and there, and down at times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.core.learners import Learning
from tests.core.streams import DAY, MINUTE, Stream, reference
from udfs.core._native import EntityHistory, StoredRecord
from udfs.entities.buckets import BucketSettings
from udfs.records.attributes import Attribute
from udfs.stores.encoding import RecordDecoder, encode_record
from udfs.stores.port import UNREADABLE, Record, StoreUnavailable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

NEVER_OPEN = CacheSettings(fresh_ms=5 * MINUTE, stale_ms=400 * MINUTE, failures_to_open=10**9, refresh_ahead_ms=0)
BUCKETS = BucketSettings(label_delay_ms=2 * DAY)
ATTRIBUTES = (Attribute("job", "text", "event"), Attribute("tier", "text", "profile"))


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        return self.now_ms


class FlakyStore:
    """A store over a dict that can be down; some of its values are no records."""

    def __init__(self, records: dict[str, Record], holds_histories: bool) -> None:
        self.records: dict[str, Any] = dict(records)
        self.holds_histories = holds_histories
        self.complete_through_ms = 1 << 62
        self.is_down = False
        self.asked: list[list[str]] = []

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        self.asked.append(list(keys))
        if self.is_down:
            raise StoreUnavailable("down")
        return [self.records.get(key) for key in keys]


def over(store: FlakyStore, clock: Clock, cache: CacheSettings = NEVER_OPEN, **settings: Any) -> Learning:
    return Learning(source=RemoteSource(store, cache, clock), cache=cache, buckets=BUCKETS, **settings)


@pytest.mark.parametrize("seed", range(3))
def test_statuses_of_a_store_that_comes_and_goes(seed: int) -> None:
    clock = Clock()
    store = FlakyStore(reference(seed, BUCKETS), holds_histories=seed % 2 == 0)
    store.records |= {"ip:10.0.0.4": UNREADABLE, "history:merchant:M5": UNREADABLE}
    learning = over(store, clock, attributes=ATTRIBUTES)
    stream = Stream(seed)
    seen: Counter[str] = Counter()
    for _ in range(900):
        clock.now_ms += stream.random.randrange(MINUTE)
        if stream.random.random() < 0.03:
            store.is_down = not store.is_down
        record = stream.record()
        calls = len(store.asked)
        (outcome,) = learning.learn([record])
        if outcome[0] == "transaction":
            seen[outcome[3]] += 1
            if not store.is_down:
                names_unreadable = b"10.0.0.4" in (record[1] or b"") or b"M5" in (record[1] or b"")
                assert outcome[3] == "ok" or names_unreadable
            elif len(store.asked) == calls:  # all records are fresh
                assert outcome[3] in ("ok", "degraded")
            else:
                assert outcome[3] != "ok"
    assert all(seen[status] > 10 for status in ("ok", "stale", "degraded")), seen


def test_a_batch_asks_once_and_for_each_key_once() -> None:
    clock = Clock()
    store = FlakyStore(reference(1, BUCKETS), holds_histories=True)
    learning = over(store, clock)
    arrived = Stream(1).batch(200)
    learning.learn(arrived)
    (asked,) = store.asked
    assert len(asked) == len(set(asked)) > 200
    learning.learn(arrived)
    assert len(store.asked) == 1


def payment(number: int) -> tuple[str, bytes, None]:
    return "U1", b'{"transaction_id":"T%d","user_id":"U1","timestamp":1767225600000,"amount":1}' % number, None


def test_values_are_read_again_in_the_background_before_they_age() -> None:
    clock = Clock()
    settings = CacheSettings(fresh_ms=10 * MINUTE, stale_ms=20 * MINUTE, refresh_ahead_ms=5 * MINUTE)
    store = FlakyStore({}, holds_histories=False)
    source = RemoteSource(store, settings, clock)
    learning = Learning(source=source, cache=settings)
    learning.learn([payment(1)])
    clock.now_ms += 6 * MINUTE
    wanted: list[str] = []
    source.want = wanted.extend  # type: ignore[method-assign,assignment]
    learning.learn([payment(2)])
    assert wanted == ["user:U1", "history:beneficiary:U1"]
    source._read_again(wanted)
    clock.now_ms += 6 * MINUTE
    learning.learn([payment(3)])
    assert len(store.asked) == 2, "what was read in the background is fresh"
    source.close()


def test_a_dead_store_is_left_alone_for_a_moment() -> None:
    clock = Clock()
    settings = CacheSettings(failures_to_open=2, open_ms=1_000)
    store = FlakyStore({}, holds_histories=False)
    source = RemoteSource(store, settings, clock)
    store.is_down = True
    assert [source.fetch(["user:U1"]) for _ in range(4)] == [None] * 4
    assert len(store.asked) == 2
    clock.now_ms += 1_000
    store.is_down = False
    assert source.fetch(["user:U1"]) == [None]
    source.close()


def test_an_unexpected_error_of_the_store_makes_its_values_unknown() -> None:
    class Broken(FlakyStore):
        def get_many(self, keys: Sequence[str]) -> list[Any]:
            super().get_many(keys)
            raise TypeError("a bug in the adapter")

    store = Broken({}, holds_histories=True)
    (outcome,) = over(store, Clock()).learn([payment(1)])
    assert outcome[:4] == ("transaction", False, False, "degraded")


class BytesStore(FlakyStore):
    """The same store, whose adapter leaves the bytes to the core."""

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        records: list[Any] = []
        for key, record in zip(keys, super().get_many(keys), strict=True):
            if record is None:
                records.append(None)
                continue
            stored = StoredRecord(key, b"\xc1" if record is UNREADABLE else encode_record(_written(record)))
            if stored.is_history:
                stored.complete_through_ms = record.complete_through_ms
            assert stored.is_unreadable is (record is UNREADABLE)
            records.append(stored)
        return records


def _written(record: Any) -> Any:
    return record.row if isinstance(record, EntityHistory) else record


@pytest.mark.parametrize("seed", range(2))
def test_the_core_reads_stored_bytes_itself(seed: int) -> None:
    clock = Clock()
    records = reference(seed, BUCKETS)
    for record in records.values():
        if isinstance(record, EntityHistory):
            record.complete_through_ms += DAY
    stores = FlakyStore(records, True), BytesStore(records, True)
    for store in stores:
        store.records |= {"ip:10.0.0.4": UNREADABLE, "history:merchant:M5": UNREADABLE, "user:U2": UNREADABLE}
    by_records, by_bytes = (over(store, clock, attributes=ATTRIBUTES) for store in stores)
    stream = Stream(seed)
    for _ in range(40):
        clock.now_ms += MINUTE
        arrived = stream.batch(20)
        assert by_bytes.learn(arrived) == by_records.learn(arrived)
        assert by_bytes.features() == by_records.features()


ODD: dict[str, tuple[str, Any]] = {
    "no map": ("user:U1", [1]),
    "no id": ("user:U1", {"kyc_level": 1}),
    "a text for a number": ("user:U1", {"user_id": "U1", "kyc_level": "1"}),
    "a float for a number": ("user:U1", {"user_id": "U1", "kyc_level": 1.5}),
    "beyond the pole": ("user:U1", {"user_id": "U1", "home_latitude": 90.5}),
    "an attribute's name": ("user:U1", {"user_id": "U1", "attributes": {"Job": "x"}}),
    "an attribute's value": ("user:U1", {"user_id": "U1", "attributes": {"job": [1]}}),
    "a wrong list": ("user:U1", {"user_id": "U1", "address_history": [1]}),
    "a risk above 100": ("ip:1.2.3.4", {"ip_address": "1.2.3.4", "ip_risk_score": 101}),
    "hours that fall": (
        "history:ip:1",
        {
            "entity": "ip",
            "id": "1",
            "complete_through_ms": 1,
            "first_hour": 1,
            "hours": [2, 1],
            "transactions": [1, 1],
            "frauds": [0, 0],
            "users_1d": [1, 0],
            "users_7d": [1, 0],
        },
    ),
    "columns of two lengths": (
        "history:bin:1",
        {
            "entity": "bin",
            "id": "1",
            "complete_through_ms": 1,
            "first_hour": 1,
            "hours": [2],
            "transactions": [1, 1],
            "frauds": [0],
            "users_1d": [],
            "users_7d": [],
        },
    ),
    "no kind of entity": (
        "history:bin:1",
        {
            "entity": "bank",
            "id": "1",
            "complete_through_ms": 1,
            "first_hour": None,
            "hours": [],
            "transactions": [],
            "frauds": [],
            "users_1d": [],
            "users_7d": [],
        },
    ),
    "a missing column": (
        "history:bin:1",
        {"entity": "bin", "id": "1", "complete_through_ms": 1, "first_hour": None, "hours": []},
    ),
    "unknown fields": ("domain:a", {"email_domain": "a", "more": {"x": [1, None, 2.5, b"y"]}}),
    "integers for floats": (
        "user:U1",
        {"user_id": "U1", "credit_limit": 5, "home_latitude": 50, "attributes": {"job": True}},
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_record_is_none_in_both(name: str) -> None:
    key, value = ODD[name]
    stored = msgspec.msgpack.encode(value)
    assert StoredRecord(key, stored).is_unreadable is (RecordDecoder(BUCKETS).decode(key, stored) is UNREADABLE)
