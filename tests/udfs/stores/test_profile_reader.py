"""ProfileReader: caching, and retries while the store is unavailable."""

from __future__ import annotations

from pathlib import Path

import pytest

from udfs.entities.buckets import BucketSettings
from udfs.records.profiles import UserProfile
from udfs.stores.memory import MemoryStore
from udfs.stores.port import StoreUnavailable
from udfs.stores.profile_reader import FRESH_MS, MAX_ATTEMPTS, ProfileReader
from udfs.stores.sqlite import SqliteStore


def test_present_and_missing_profiles_expire() -> None:
    store, clock = MemoryStore({}), [0]
    reader = ProfileReader(store, lambda: clock[0], lambda: None)
    assert reader.profile_of("U1") is None
    store.put_many({"user:U1": UserProfile(user_id="U1", attributes={"job": "nurse"})}, None)
    clock[0] = FRESH_MS - 1
    assert reader.profile_of("U1") is None
    clock[0] = FRESH_MS
    profile = reader.profile_of("U1")
    assert profile is not None
    assert profile.attributes == {"job": "nurse"}


def test_an_unavailable_store_is_retried_and_finally_raises(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = SqliteStore(path, BucketSettings())
    store.put_many({"user:U1": UserProfile(user_id="U1", kyc_level=2)}, None)
    store._database.execute("ALTER TABLE records RENAME TO away")
    pauses = 0

    def recover_at_the_fifth_pause() -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 5:
            store._database.execute("ALTER TABLE away RENAME TO records")

    reader = ProfileReader(store, lambda: 0, recover_at_the_fifth_pause)
    assert reader.profile_of("U1") == UserProfile(user_id="U1", kyc_level=2)
    assert pauses == 5
    store._database.execute("ALTER TABLE records RENAME TO away")
    assert reader.profile_of("U1") == UserProfile(user_id="U1", kyc_level=2)  # still cached
    pauses = 100
    with pytest.raises(StoreUnavailable, match="no such table"):
        reader.profile_of("U2")
    assert pauses == 100 + MAX_ATTEMPTS - 1


def test_an_unreadable_profile_is_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.sqlite", BucketSettings())
    store._database.execute("INSERT INTO records VALUES ('user:U1', x'ff')")
    assert ProfileReader(store, lambda: 0, lambda: None).profile_of("U1") is None
