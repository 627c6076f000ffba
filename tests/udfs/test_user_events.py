"""What one user's events do to the state at the edges: nothing half-done, nothing lost, nothing mistaken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.udfs.engines import engine_over, logs_of
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine
from udfs.fx_rate import FxRate
from udfs.money import MissingRate, Money
from udfs.profiles import UserProfile

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000
LAST_MS = 253_402_300_799_999  # the last millisecond that the codec takes


def paid(number: int, t: int = START, amount: float = 10.0, **more: Any) -> Transaction:
    return Transaction(transaction_id=f"T{number}", user_id="U1", timestamp=t, amount=amount, **more)


def features_of(engine: FeatureEngine, transaction: Transaction, commit: bool = True) -> dict[str, float]:
    observation = engine.observe(transaction)
    assert observation is not None
    if commit:
        engine.commit(observation)
    return observation.features


def judged(number: int, known_at: int, fraud: bool) -> Label:
    return Label(
        event_id=f"L{number}",
        transaction_id=f"T{number}",
        user_id="U1",
        timestamp=START,
        known_at=known_at,
        is_fraud=fraud,
    )


def test_a_login_and_an_account_change_of_the_same_event_id_are_two_events() -> None:
    """Two source tables, each with its own numbers: the change raises AUDIT and must not pass for a repeated login."""
    engine = engine_over(logs_of("U1"))
    engine.record_login(Login(event_id="7", user_id="U1", timestamp=START, success=True))
    change = AccountChange(event_id="7", user_id="U1", timestamp=START + 1, old_status="blocked", new_status="active")
    assert engine.record_change(change)
    assert not engine.record_change(change)


def test_an_event_id_that_is_also_a_transactions_id_is_neither_ones_duplicate() -> None:
    engine = engine_over(logs_of("U1"))
    features_of(engine, paid(7))
    assert engine.record_change(AccountChange(event_id="T7", user_id="U1", timestamp=START))
    engine.states.evict_all()
    assert engine.observe(paid(7)) is None
    assert not engine.record_change(AccountChange(event_id="T7", user_id="U1", timestamp=START))


def test_a_confirmed_fraud_is_not_forgotten_for_the_sake_of_labels_that_say_no_fraud() -> None:
    """Where the source labels every transaction, 256 good ones are a few months of an ordinary customer."""
    engine = engine_over(logs_of("U1"))
    for number in range(400):
        engine.record_label(judged(number, START + number, number == 0))
    assert features_of(engine, paid(1_000, START + DAY))["prior_fraud_count"] == 1.0


def test_a_label_that_is_cleared_no_longer_counts_and_one_known_later_does_not_count_yet() -> None:
    engine = engine_over(logs_of("U1"))
    engine.record_label(judged(1, START + HOUR, True))
    engine.record_label(judged(2, START + 2 * HOUR, True))
    assert features_of(engine, paid(11, START + HOUR))["prior_fraud_count"] == 1.0
    assert features_of(engine, paid(12, START + 2 * HOUR))["prior_fraud_count"] == 2.0
    engine.record_label(judged(1, START + 3 * HOUR, False))
    assert features_of(engine, paid(13, START + 3 * HOUR))["prior_fraud_count"] == 1.0


def test_an_amount_whose_conversion_passes_64_bits_is_no_poison_for_the_state() -> None:
    """10^12 dinars are a valid amount; in rials they are 1.9 x 10^20 minor units.

    Refusing the record is fine. What may not happen is an error once the decision is made: `commit` is outside of what
    becomes a dead letter, so the job would fail, restart and meet the same record again.
    """
    engine = engine_over(logs_of("U1"), money=Money("IRR", (FxRate("KWD", 0, "1900000"),)))
    try:
        observation = engine.observe(paid(1, amount=1e12, currency="KWD"))
    except ValueError:  # MissingRate and BadRecord are such
        return
    assert observation is not None
    engine.commit(observation)
    engine.states.evict_all()
    assert features_of(engine, paid(2))["user_max_amount"] == pytest.approx(1.9e18)


def test_a_sum_that_passes_64_bits_is_no_poison_for_the_state() -> None:
    """18,500 payments of the greatest amount in a currency of three digits."""
    engine = engine_over(logs_of("U1"), money=Money("KWD"))
    for number in range(18_500):
        observation = engine.observe(paid(number, START + number, 1e12))
        assert observation is not None
        engine.commit(observation)
    engine.states.evict_all()
    assert features_of(engine, paid(20_000, START + DAY))["user_avg_amount"] == 1e12


@pytest.mark.parametrize("timezone", ["Asia/Tokyo", "Pacific/Kiritimati"])
def test_the_last_moment_that_an_event_may_carry_has_a_local_hour_everywhere(timezone: str) -> None:
    """The replay has no dead letters: what `observe` raises ends the training run."""
    engine = engine_over(logs_of("U1"), records={"user:U1": UserProfile(user_id="U1", timezone=timezone)})
    assert 0.0 <= features_of(engine, paid(1, LAST_MS))["hour_local"] <= 23.0


def test_the_first_moment_that_an_event_may_carry_has_a_local_hour_everywhere() -> None:
    engine = engine_over(logs_of("U1"), records={"user:U1": UserProfile(user_id="U1", timezone="America/New_York")})
    assert features_of(engine, paid(1, 0))["hour_local"] == 19.0


def test_a_transaction_that_was_only_observed_and_then_evicted_has_not_happened() -> None:
    logs = logs_of("U1")
    engine = engine_over(logs)
    features_of(engine, paid(1))
    before = (logs.snapshot(), tuple(logs.entries()))
    features_of(engine, paid(2, START + 1), commit=False)
    engine.states.evict("U1")
    assert (logs.snapshot(), tuple(logs.entries())) == before
    assert features_of(engine, paid(2, START + 1))["txn_count_5m"] == 2.0


def test_a_payment_without_a_rate_leaves_no_trace() -> None:
    logs = logs_of("U1")
    engine = engine_over(logs, money=Money("USD", (FxRate("EUR", START, "1.1"),)))
    with pytest.raises(MissingRate, match="from GBP to USD"):
        engine.observe(paid(1, currency="GBP"))
    assert (logs.snapshot(), tuple(logs.entries())) == (None, ())
    assert features_of(engine, paid(1, currency="EUR"))["txn_count_5m"] == 1.0
    assert engine.observe(paid(1, currency="EUR")) is None


def test_a_duplicate_writes_nothing_and_changes_nothing() -> None:
    logs = logs_of("U1")
    engine = engine_over(logs)
    features_of(engine, paid(1))
    before = (logs.snapshot(), tuple(logs.entries()))
    assert engine.observe(paid(1, START + HOUR, 99.0)) is None
    engine.record_login(Login(event_id="E", user_id="U1", timestamp=START))
    after_login = (logs.snapshot(), tuple(logs.entries()))
    engine.record_login(Login(event_id="E", user_id="U1", timestamp=START + 5))
    assert (logs.snapshot(), tuple(logs.entries())) == after_login
    assert after_login[1][:-1] == before[1]
    assert features_of(engine, paid(2, START + 1))["txn_count_1h"] == 2.0
