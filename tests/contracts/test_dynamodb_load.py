"""DynamoDB that throttles or answers in part, and its conditional writes when several write at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contracts.store_factories import SETTINGS, dynamodb_local, dynamodb_settings
from tests.servers.throttling_proxy import Load, throttling_proxy
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import UserProfile
from udfs.stores.clocks import Clocks
from udfs.stores.opening import RemoteStore, open_store
from udfs.stores.port import OnlineFeatures, StoredRecord, StoreError, StoreUnavailable
from udfs.stores.settings import DynamoDBSettings

USERS: dict[str, StoredRecord] = {f"user:U{n}": UserProfile(user_id=f"U{n}", kyc_level=n) for n in range(60)}


@pytest.fixture
def busy() -> Iterator[tuple[RemoteStore, Load, DynamoDBSettings]]:
    settings = dynamodb_settings()
    with throttling_proxy(dynamodb_local().port) as (address, load):
        through = replace(settings, endpoint=address)
        yield open_store(through, SETTINGS, SYSTEM_CLOCKS), load, through


def test_throttled_calls_are_repeated_after_a_pause(busy: tuple[RemoteStore, Load, DynamoDBSettings]) -> None:
    store, load, _ = busy
    load.throttled = 3
    store.put_many(USERS, None)
    load.throttled = 3
    start = time.monotonic()
    assert store.get_many(list(USERS)) == list(USERS.values())
    assert time.monotonic() - start >= 0.070  # 10 + 20 + 40 ms
    assert load.calls == [*["BatchWriteItem"] * 6, *["BatchGetItem"] * 4]


def test_only_unprocessed_items_are_requested_again(
    busy: tuple[RemoteStore, Load, DynamoDBSettings],
) -> None:
    store, load, _ = busy
    load.at_once = 20
    store.put_many(USERS, None)
    assert load.calls == ["BatchWriteItem"] * 5  # 20 + 5, 20 + 5, 10
    load.calls.clear()
    assert store.get_many([*USERS, "user:none", "user:U0"]) == [*USERS.values(), None, USERS["user:U0"]]
    assert load.calls == ["BatchGetItem"] * 4


def test_retries_end_at_the_time_limit(busy: tuple[RemoteStore, Load, DynamoDBSettings]) -> None:
    _, load, settings = busy
    load.throttled = 10_000
    store = open_store(replace(settings, patience_ms=150), SETTINGS, SYSTEM_CLOCKS)
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="throttled"):
        store.get_many(["user:U1"])
    assert time.monotonic() - start < 1
    load.throttled = 0
    load.at_once = 1
    with pytest.raises(StoreUnavailable, match="partial response"):
        store.get_many(list(USERS))


def test_writers_at_the_same_time_leave_the_newest(busy: tuple[RemoteStore, Load, DynamoDBSettings]) -> None:
    _, _, settings = busy

    def write(writer: int) -> None:
        store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
        for event_time_ms in range(writer, 21, 3):
            store.publish([OnlineFeatures(f"U{n}", event_time_ms, 1.0, None, None, None) for n in range(30)], 60_000)

    with ThreadPoolExecutor(3) as writers:
        list(writers.map(write, range(3)))
    store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
    for n in range(30):
        assert store.online_features(f"U{n}") == OnlineFeatures(f"U{n}", 20, 1.0, None, None, None)


def test_an_item_is_expired_by_the_clock_even_while_dynamodb_still_has_it() -> None:
    settings = dynamodb_settings()
    now_ms = [1_767_225_600_000]
    store: Any = open_store(settings, SETTINGS, Clocks(SYSTEM_CLOCKS.monotonic_ms, lambda: now_ms[0]))
    store.put_many(USERS, 60_000)
    store.publish([OnlineFeatures("U1", 5, 1.0, None, None, None)], 60_000)
    now_ms[0] += 59_999
    assert store.get_many(["user:U1"]) == [USERS["user:U1"]]
    assert store.online_features("U1") is not None
    now_ms[0] += 1
    assert store.get_many(["user:U1"]) == [None]
    assert store.online_features("U1") is None


def test_missing_region_and_credentials_are_reported_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dynamodb_settings()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    with pytest.raises(StoreError, match="set region"):
        open_store(replace(settings, region=None), SETTINGS, SYSTEM_CLOCKS)
    with pytest.raises(StoreError, match="provide AWS credentials"):
        open_store(settings, SETTINGS, SYSTEM_CLOCKS).check()
    with pytest.raises(StoreError, match=r"store: .*could not be found"):
        open_store(replace(settings, profile="nobody"), SETTINGS, SYSTEM_CLOCKS)
