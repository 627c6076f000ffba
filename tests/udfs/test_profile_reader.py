"""Profiles for a job that must have an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from udfs.entity_buckets import BucketSettings
from udfs.profile_reader import FRESH_MS, TRIES, ProfileReader
from udfs.profiles import UserProfile
from udfs.stores.memory import MemoryStore
from udfs.stores.port import StoreUnavailable
from udfs.stores.sqlite import SqliteStore


def test_a_profile_is_read_again_after_its_time_and_one_that_is_not_there_as_well() -> None:
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


def test_a_store_that_is_down_is_waited_for_and_in_the_end_the_job_fails(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = SqliteStore(path, BucketSettings())
    store.put_many({"user:U1": UserProfile(user_id="U1", kyc_level=2)}, None)
    store._database.execute("ALTER TABLE records RENAME TO away")
    pauses = 0

    def comes_back_at_the_fifth() -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 5:
            store._database.execute("ALTER TABLE away RENAME TO records")

    reader = ProfileReader(store, lambda: 0, comes_back_at_the_fifth)
    assert reader.profile_of("U1") == UserProfile(user_id="U1", kyc_level=2)
    assert pauses == 5
    store._database.execute("ALTER TABLE records RENAME TO away")
    assert reader.profile_of("U1") == UserProfile(user_id="U1", kyc_level=2)  # still known
    pauses = 100
    with pytest.raises(StoreUnavailable, match="no such table"):
        reader.profile_of("U2")
    assert pauses == 100 + TRIES - 1


def test_a_record_that_is_no_profile_is_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.sqlite", BucketSettings())
    store._database.execute("INSERT INTO records VALUES ('user:U1', x'ff')")
    assert ProfileReader(store, lambda: 0, lambda: None).profile_of("U1") is None
