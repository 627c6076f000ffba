"""Edge cases of one user's events: clashing ids, limits, extreme amounts and times, uncommitted transactions."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.udfs.engines import Engine, Refused
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.profiles import UserProfile
from udfs.state.user_log import MemoryUserLogs
from udfs.values.fx_rates import FxRate

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000
LAST_MS = 253_402_300_799_999  # the last millisecond that the codec takes


def paid(number: int, t: int = START, amount: float = 10.0, **more: Any) -> Transaction:
    return Transaction(transaction_id=f"T{number}", user_id="U1", timestamp=t, amount=amount, **more)


def features_of(engine: Engine, transaction: Transaction) -> dict[str, float]:
    observation = engine.pay(transaction)
    assert observation is not None
    return observation.features


class FailingLog(MemoryUserLogs):
    """Writes fail on demand."""

    fails = False

    def append(self, entry: bytes) -> None:
        if self.fails:
            raise OSError("disk full")
        super().append(entry)


def judged(number: int, known_at: int, fraud: bool) -> Label:
    return Label(
        event_id=f"L{number}",
        transaction_id=f"T{number}",
        user_id="U1",
        timestamp=START,
        known_at=known_at,
        is_fraud=fraud,
    )


def test_login_and_account_change_of_one_event_id_are_two_events() -> None:
    """Ids of two source tables can clash: the change raises AUDIT and must not count as a repeated login."""
    engine = Engine()
    engine.tell(Login(event_id="7", user_id="U1", timestamp=START, success=True))
    change = AccountChange(event_id="7", user_id="U1", timestamp=START + 1, old_status="blocked", new_status="active")
    assert engine.tell(change)
    assert not engine.tell(change)


def test_an_event_id_and_an_equal_transaction_id_do_not_clash() -> None:
    engine = Engine()
    features_of(engine, paid(7))
    assert engine.tell(AccountChange(event_id="T7", user_id="U1", timestamp=START))
    engine.evict()
    assert engine.pay(paid(7)) is None
    assert not engine.tell(AccountChange(event_id="T7", user_id="U1", timestamp=START))


def test_labels_of_legitimate_transactions_are_dropped_before_frauds() -> None:
    """If the source labels every transaction, 256 legitimate ones are a few months of an ordinary customer."""
    engine = Engine()
    for number in range(400):
        engine.tell(judged(number, START + number, number == 0))
    assert features_of(engine, paid(1_000, START + DAY))["prior_fraud_count"] == 1.0


def test_cleared_labels_and_labels_known_later_do_not_count() -> None:
    engine = Engine()
    engine.tell(judged(1, START + HOUR, True))
    engine.tell(judged(2, START + 2 * HOUR, True))
    assert features_of(engine, paid(11, START + HOUR))["prior_fraud_count"] == 1.0
    assert features_of(engine, paid(12, START + 2 * HOUR))["prior_fraud_count"] == 2.0
    engine.tell(judged(1, START + 3 * HOUR, False))
    assert features_of(engine, paid(13, START + 3 * HOUR))["prior_fraud_count"] == 1.0


def test_an_amount_beyond_64_bits_does_not_corrupt_the_state() -> None:
    """10^12 dinars are a valid amount; in rials they are 1.9 x 10^20 minor units.

    The record may be refused, but it must not fail: an error of the state fails the job, which would restart on the same
    record.
    """
    engine = Engine(base_currency="IRR", rates=(FxRate("KWD", 0, "1900000"),))
    with pytest.raises(Refused, match="amount_out_of_range"):
        engine.pay(paid(1, amount=1e12, currency="KWD"))
    assert engine.stored() == (None, ())
    assert math.isnan(features_of(engine, paid(2))["user_max_amount"])


def test_a_sum_beyond_64_bits_does_not_corrupt_the_state() -> None:
    """18,500 payments of the largest amount in a currency with three decimal digits."""
    engine = Engine(base_currency="KWD")
    found = engine.pay_all([paid(number, START + number, 1e12) for number in range(18_500)])
    assert None not in found
    engine.evict()
    assert features_of(engine, paid(20_000, START + DAY))["user_avg_amount"] == 1e12


@pytest.mark.parametrize("timezone", ["Asia/Tokyo", "Pacific/Kiritimati"])
def test_the_latest_valid_timestamp_has_a_local_hour_everywhere(timezone: str) -> None:
    """A replay has no dead letters: an error of `observe` would end the training run."""
    engine = Engine({"user:U1": UserProfile(user_id="U1", timezone=timezone)})
    assert 0.0 <= features_of(engine, paid(1, LAST_MS))["hour_local"] <= 23.0


def test_the_earliest_valid_timestamp_has_a_local_hour_everywhere() -> None:
    engine = Engine({"user:U1": UserProfile(user_id="U1", timezone="America/New_York")})
    assert features_of(engine, paid(1, 0))["hour_local"] == 19.0


def test_a_transaction_that_could_not_be_written_leaves_no_state() -> None:
    """The batch is done again as a whole, by a restart from the last checkpoint or by the caller."""
    log = FailingLog()
    engine = Engine(log=log)
    features_of(engine, paid(1))
    before = engine.stored()
    log.fails = True
    with pytest.raises(OSError, match="disk full"):
        engine.pay(paid(2, START + 1))
    log.fails = False
    assert engine.stored() == before
    assert features_of(engine, paid(2, START + 1))["txn_count_5m"] == 2.0


def test_a_payment_without_a_rate_leaves_no_state() -> None:
    engine = Engine(base_currency="USD", rates=(FxRate("EUR", START, "1.1"),))
    with pytest.raises(Refused, match=r"missing_rate.*from GBP to USD"):
        engine.pay(paid(1, currency="GBP"))
    assert engine.stored() == (None, ())
    assert features_of(engine, paid(1, currency="EUR"))["txn_count_5m"] == 1.0
    assert engine.pay(paid(1, currency="EUR")) is None


def test_a_duplicate_writes_nothing_and_changes_nothing() -> None:
    engine = Engine()
    features_of(engine, paid(1))
    before = engine.stored()
    assert engine.pay(paid(1, START + HOUR, 99.0)) is None
    engine.tell(Login(event_id="E", user_id="U1", timestamp=START))
    after_login = engine.stored()
    engine.tell(Login(event_id="E", user_id="U1", timestamp=START + 5))
    assert engine.stored() == after_login
    assert after_login[1][:-1] == before[1]
    assert features_of(engine, paid(2, START + 1))["txn_count_1h"] == 2.0
