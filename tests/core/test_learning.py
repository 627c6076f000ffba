"""What the core learns depends on the records alone: not on batches, on what is in memory, or on restarts."""

from __future__ import annotations

import pytest

from tests.core.learners import SMALL, Learning
from tests.core.streams import BLOCKED, DAY, START, Stream, reference
from udfs.entities.buckets import BucketSettings
from udfs.records.attributes import Attribute
from udfs.state.settings import UserStateSettings
from udfs.values.fx_rates import FxRate

RATES = (
    FxRate("EUR", 0, "1.0812345"),
    FxRate("EUR", START + 4 * DAY, "1.09"),
    FxRate("JPY", START + DAY, "0.0067"),
    FxRate("GBP", 0, "1.3"),
)
ATTRIBUTES = (
    Attribute("job", "text", "event"),
    Attribute("size", "number", "event"),
    Attribute("tier", "text", "profile"),
)
BUCKETS = BucketSettings(label_delay_ms=2 * DAY)


def learning(seed: int, state: UserStateSettings = SMALL, cache_bytes: int = 1 << 30) -> Learning:
    return Learning(
        reference(seed, BUCKETS), state=state, blocked=BLOCKED, rates=RATES, holds_histories=seed % 2 == 0,
        buckets=BUCKETS, attributes=ATTRIBUTES, default_timezone=("UTC", "Asia/Kathmandu")[seed % 2],
        cache_bytes=cache_bytes,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_batches_and_restarts_change_no_outcome_feature_or_state(seed: int) -> None:
    """States are the same bytes after the same restarts; others compact them at other moments."""
    together, alone, restarted, stream = learning(seed), learning(seed), learning(seed), Stream(seed)
    rows = 0
    while stream.number < 1_500:
        arrived = stream.batch(stream.random.choice((1, 2, 7, 32, 100)))
        expected, expected_features = [], []
        for record in arrived:
            expected += alone.learn([record])
            expected_features += alone.features()
        assert together.learn(arrived) == expected
        assert together.features() == expected_features
        rows += len(expected_features)
        for key in {key for key, _, _ in arrived}:
            assert together.state_of(key) == alone.state_of(key), key
        restarted.restore()
        assert restarted.learn(arrived) == expected
        assert restarted.features() == expected_features
        if stream.random.random() < 0.05:
            together.restore()
            alone.restore()
    assert rows > 800
    assert together.learner.unknown_codes != {}


@pytest.mark.parametrize("seed", range(2))
def test_a_cache_that_holds_hardly_a_user_changes_no_feature(seed: int) -> None:
    large, small, stream = learning(seed), learning(seed, cache_bytes=20_000), Stream(seed)
    while stream.number < 1_500:
        arrived = stream.batch(stream.random.choice((1, 2, 7, 32, 100)))
        assert small.learn(arrived) == large.learn(arrived)
        assert small.features() == large.features()
    assert small.learner.misses > 100
    assert small.learner.core.cached[1] <= 20_000
    assert large.learner.misses <= len(stream.users) + 1


def test_events_after_the_ceiling_are_refused() -> None:
    late = Learning(latest_timestamp_ms=START)
    outcomes = late.learn([("U1", payment(0), None), ("U1", payment(1), None), ("U1", payment(2), START - 600_000)])
    assert outcomes[0][0] == "transaction"
    assert outcomes[1] == (
        "refused", "bad_record", f"timestamp: {START + 8_000} lies in the future, 8000 ms past what is accepted",
    )  # fmt: skip
    assert outcomes[2][2] == f"timestamp: {START + 16_000} lies in the future, 16000 ms past what is accepted"


def test_a_remembered_transaction_takes_at_most_200_bytes() -> None:
    """Of a user with many a day: ids of 16 characters, a few devices and places, some hundred merchants."""
    busy, count = Learning(), 20_000
    for first in range(0, count, 500):
        busy.learn([("U1", payment(number), None) for number in range(first, first + 500)])
    users, size = busy.learner.core.cached
    assert users == 1
    assert size / count <= 200


def payment(number: int) -> bytes:
    return (
        f'{{"transaction_id":"T{number:015d}","user_id":"U1","timestamp":{START + number * 8_000},'
        f'"amount":{number % 977}.25,'
        f'"merchant_id":"M{number % 500}","merchant_category":"5411","device_id":"device-{number % 3}","city":"Bonn",'
        f'"country":"DE","ip_address":"10.0.0.{number % 5}","latitude":50.7,"longitude":7.1}}'
    ).encode()


def test_a_state_that_cannot_be_read_is_that_user_s_dead_letter() -> None:
    broken = Learning()
    broken.logs.set_current_key("U1")
    broken.logs.save_snapshot(b"\x91\x09")
    other = payment(1).replace(b"U1", b"U2")
    outcomes = broken.learn([("U1", payment(1), None), ("U1", payment(2), None), ("U2", other, None)])
    assert [outcome[0] for outcome in outcomes] == ["refused", "refused", "transaction"]
    assert outcomes[0][1] == "unexpected_error"
    assert outcomes[0][2].startswith("unexpected error: the state of the user cannot be read: expected a snapshot")


def test_a_failure_of_the_log_drops_what_is_in_memory() -> None:
    failing = Learning()
    failing.learn([("U1", payment(1), None)])

    def fail(_: bytes) -> None:
        raise OSError("disk full")

    failing.logs.append = fail  # type: ignore[method-assign,assignment]
    with pytest.raises(OSError, match="disk full"):
        failing.learn([("U1", payment(2), None)])
    assert failing.learner.core.cached == (0, 0)
