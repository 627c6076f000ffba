"""Contract of store writers and online feature stores."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.store_factories import SETTINGS, WRITABLE
from tests.contracts.test_stores import FULL, ROW
from udfs.core._native import EntityHistory
from udfs.records.profiles import DeviceProfile, UserProfile
from udfs.stores.port import OnlineFeatures, StoreError

LONG_MS = 600_000
BRIEF_MS = 1_500  # longer than a few writes and reads take on a busy machine


@pytest.fixture(scope="module", params=WRITABLE)
def store(request: pytest.FixtureRequest) -> Any:
    return WRITABLE[request.param]()


def test_what_was_written_is_read_and_the_last_write_wins(store: Any) -> None:
    store.put_many(FULL, None)
    assert store.get_many(list(FULL)) == list(FULL.values())
    store.put_many({"user:U2": UserProfile(user_id="U2", kyc_level=3)}, None)
    store.put_many({"user:U2": UserProfile(user_id="U2", kyc_level=4)}, None)
    store.put_many({"user:U2": UserProfile(user_id="U2", kyc_level=4)}, None)
    assert store.get_many(["user:U2", "user:U1"]) == [UserProfile(user_id="U2", kyc_level=4), FULL["user:U1"]]


def test_a_history_is_written_as_its_row_and_read_ready_for_use(store: Any) -> None:
    store.put_many({"history:merchant:M1": ROW}, LONG_MS)
    (history,) = store.get_many(["history:merchant:M1"])
    assert isinstance(history, EntityHistory)
    time_ms = ROW.complete_through_ms - 1
    assert history.as_of(time_ms) == EntityHistory(ROW, SETTINGS).as_of(time_ms)
    assert history.complete_through_ms == ROW.complete_through_ms


def test_a_record_expires_after_its_ttl_and_a_write_renews_it(store: Any) -> None:
    lasting, brief = UserProfile(user_id="lasting"), UserProfile(user_id="brief")
    store.put_many({"user:lasting": lasting, "user:kept": brief}, BRIEF_MS)
    store.put_many({"user:lasting": lasting}, None)
    store.put_many({"user:kept": brief}, LONG_MS)
    store.put_many({"user:brief": brief}, BRIEF_MS)
    assert store.get_many(["user:lasting", "user:brief"]) == [lasting, brief]
    time.sleep(BRIEF_MS / 1000 + 0.05)
    assert store.get_many(["user:lasting", "user:brief", "user:kept"]) == [lasting, None, brief]


def test_a_record_under_a_key_of_another_kind_is_rejected(store: Any) -> None:
    with pytest.raises(StoreError, match="user:D9: expected a UserProfile, not a DeviceProfile"):
        store.put_many({"user:N9": UserProfile(user_id="N9"), "user:D9": DeviceProfile(device_id="D9")}, None)
    assert store.get_many(["user:N9", "user:D9"]) == [None, None]
    with pytest.raises(KeyError, match="begins with none of"):
        store.put_many({"usr:U1": UserProfile(user_id="U1")}, None)


def test_no_records_and_no_features_are_written_too(store: Any) -> None:
    store.put_many({}, None)
    store.publish([], LONG_MS)


def test_online_features_are_read_as_published_unknown_ones_as_none(store: Any) -> None:
    all_known = OnlineFeatures("O1", 1_767_225_600_123, 3.0, 0.1 + 0.2, 2.0, 1e-7)
    unknown = OnlineFeatures("O2", 5, 1.0, None, None, None)
    store.publish([all_known, unknown], LONG_MS)
    assert [store.online_features(user) for user in ("O1", "O2", "O3")] == [all_known, unknown, None]
    less = OnlineFeatures("O1", 1_767_225_600_124, 1.0, None, None, None)
    store.publish([less], LONG_MS)
    assert store.online_features("O1") == less


def test_expired_online_features_may_be_replaced_by_older_ones(store: Any) -> None:
    newer, older = OnlineFeatures("T1", 2_000, 2.0, 2.0, 0.0, 4.0), OnlineFeatures("T1", 1_000, 1.0, 1.0, 0.0, 1.0)
    store.publish([newer], BRIEF_MS)
    store.publish([older], LONG_MS)
    assert store.online_features("T1") == newer
    time.sleep(BRIEF_MS / 1000 + 0.05)
    assert store.online_features("T1") is None
    store.publish([older], LONG_MS)
    assert store.online_features("T1") == older


def test_publishing_hundreds_of_users_skips_only_outdated_ones(store: Any) -> None:
    first = [OnlineFeatures(f"H{n}", 1_000 + n % 3, float(n), 1.0, 0.0, float(n)) for n in range(250)]
    second = [OnlineFeatures(f"H{n}", 1_001, float(n), 2.0, 0.0, float(2 * n)) for n in range(250)]
    store.publish(first, LONG_MS)
    store.publish(second, LONG_MS)
    for n in range(0, 250, 7):
        assert store.online_features(f"H{n}") == (first[n] if n % 3 == 2 else second[n])


@given(
    times=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.integers(0, 99)), max_size=12),
    sizes=st.lists(st.integers(1, 4), max_size=12),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_older_event_time_never_overwrites_a_newer_one(
    store: Any, times: list[tuple[str, int, int]], sizes: list[int]
) -> None:
    """In whatever order and company they come; of the same event time the last one counts."""
    run = time.monotonic_ns()
    newest: dict[str, OnlineFeatures] = {}
    batch: dict[str, OnlineFeatures] = {}
    for user, event_time_ms, value in times:
        user_id = f"P{user}{run}"
        features = OnlineFeatures(user_id, event_time_ms, float(value), None, None, None)
        if user_id in batch or len(batch) == (sizes.pop() if sizes else 1):
            store.publish(list(batch.values()), LONG_MS)
            batch = {}
        batch[user_id] = features
        known = newest.get(user_id)
        if known is None or known.event_time_ms <= event_time_ms:
            newest[user_id] = features
    store.publish(list(batch.values()), LONG_MS)
    for user_id, expected in newest.items():
        assert store.online_features(user_id) == expected
