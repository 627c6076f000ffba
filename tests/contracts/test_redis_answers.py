"""Answers of Redis that are no good: too slow in parts, of another type, or of a server that lost its content."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from tests.contracts.store_factories import SETTINGS, redis_server, redis_settings
from tests.servers.trickle import trickle
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import UserProfile
from udfs.stores.completeness import CompletenessTracker
from udfs.stores.opening import open_store
from udfs.stores.port import LOADED, UNREADABLE, Loaded, StoreEmpty, StoreUnavailable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

USER = UserProfile(user_id="U1", kyc_level=2)


def test_a_reply_that_trickles_in_is_given_up_at_the_deadline() -> None:
    """Each byte comes within the time-out, the reply of about 100 bytes within 2 s."""
    settings = redis_settings()
    open_store(settings, SETTINGS, SYSTEM_CLOCKS).put_many({"user:U1": USER}, None)
    with trickle(settings.port, pause_s=0.02) as port:
        store = open_store(replace(settings, port=port, timeout_ms=200), SETTINGS, SYSTEM_CLOCKS)
        for _ in range(2):  # the connection is given up, too: what is left of the reply answers no later call
            start = time.monotonic()
            with pytest.raises(StoreUnavailable, match="Redis at"):
                store.get_many(["user:U1", "user:none"])
            assert 0.1 < time.monotonic() - start < 1
        store.close()


def test_a_value_of_another_type_is_unreadable_not_absent() -> None:
    settings = redis_settings()
    store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
    store.put_many({"user:U1": USER}, None)
    client = redis_server().client()
    client.hset(f"{settings.namespace}user:U2", "kyc_level", "2")
    client.rpush(f"{settings.namespace}merchant:M1", "6011")
    client.set(f"{settings.namespace}device:D1", b"\x80 no record")

    keys = ["user:U1", "user:U2", "user:U3", "merchant:M1", "device:D1"]
    assert store.get_many(keys) == [USER, UNREADABLE, None, UNREADABLE, UNREADABLE]
    assert store.get_many(["user:U3"]) == [None]
    store.close()


def test_an_empty_store_does_not_say_that_nothing_is_known() -> None:
    """never filled .. filled: answers .. wiped: no answer .. filled again: answers"""
    settings = redis_settings()
    store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
    tracker = CompletenessTracker(store, SYSTEM_CLOCKS.monotonic_ms, refresh_ms=0)
    source = RemoteSource(tracker, CacheSettings(refresh_ahead_ms=0, open_ms=1), SYSTEM_CLOCKS.monotonic_ms)
    with pytest.raises(StoreEmpty, match="fill it with `fraud load`"):
        tracker.get_many(["user:U1"])
    assert source.fetch(["user:U1"]) is None

    content = {"user:U1": USER, LOADED: Loaded(at_ms=1)}
    store.put_many(content, None)
    assert source.fetch(["user:U1", "user:U2"]) == [USER, None]

    client = redis_server().client()
    client.delete(*(f"{settings.namespace}{key}" for key in content))
    assert source.fetch(["user:U1"]) is None
    store.put_many(content, None)
    time.sleep(0.01)
    assert source.fetch(["user:U1"]) == [USER]
    store.close()
