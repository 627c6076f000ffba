"""Format and plausibility of the simulated events."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from simulator.config import SimulatorConfig
from simulator.pattern_registry import discover
from tests.simulator.decoded import decoded, one_month
from udfs.records.events import Transaction


def test_every_line_is_a_valid_event_inside_the_period() -> None:
    simulation = one_month()
    config = simulation.simulation.config
    assert {type(event).__name__ for event in simulation.events} == {"Transaction", "Login", "AccountChange", "Label"}
    assert all(config.start_ms <= event.timestamp < config.end_ms for event in simulation.events)
    assert not any(b"\n" in line for line in simulation.lines)


def test_ids_are_unique_and_have_their_format() -> None:
    simulation = one_month()
    for transaction in simulation.transactions.values():
        assert re.fullmatch(r"T\d{9}", transaction.transaction_id)
        assert re.fullmatch(r"U\d{6}", transaction.user_id)
        assert transaction.merchant_id is None or re.fullmatch(r"M\d{5}", transaction.merchant_id)
        assert transaction.device_id is None or re.fullmatch(r"D[0-9A-F]{8}", transaction.device_id)
    event_ids = [event.event_id for event in simulation.events if not isinstance(event, Transaction)]
    assert len(set(event_ids)) == len(event_ids)


def test_transaction_ids_follow_event_time_and_do_not_reveal_fraud() -> None:
    transactions = one_month().transactions
    times = [transactions[identifier].timestamp for identifier in sorted(transactions)]
    assert times == sorted(times)


def test_scorer_inputs_contain_no_pattern_names() -> None:
    simulation = one_month()
    reference = simulation.simulation.reference
    seen = (
        b"\n".join(simulation.lines)
        + repr(
            (reference.users, reference.merchants, reference.devices, reference.ip_feed, reference.block_list)
        ).encode()
    )
    for name in discover():
        for spelling in (name, name.replace("_", " "), name.replace("_", "-")):
            assert spelling.encode() not in seen
    assert b"pattern" not in seen


def test_only_labels_contain_the_outcome() -> None:
    simulation = one_month()
    for line, event in zip(simulation.lines, simulation.events, strict=True):
        if not line.startswith(b'{"type":"label"'):
            assert b"fraud" not in line.lower(), event


def test_most_transactions_carry_the_fields_of_their_channel() -> None:
    transactions = list(one_month().transactions.values())
    filled = Counter(
        field
        for transaction in transactions
        for field in transaction.__struct_fields__
        if getattr(transaction, field) is not None
    )
    for field in ("currency", "channel", "entry_mode", "auth_result", "kind"):
        assert filled[field] == len(transactions)
    for field in ("merchant_id", "merchant_category", "merchant_country", "latitude", "longitude", "city", "country"):
        assert filled[field] > 0.9 * len(transactions)
    for transaction in transactions:
        online = transaction.channel in ("ecommerce", "upi", "transfer")
        if not online:
            assert (
                transaction.device_id
                is transaction.session_id
                is transaction.ip_address
                is transaction.otp_used
                is None
            )
        elif transaction.kind == "purchase":
            assert transaction.device_id
            assert transaction.session_id
            assert transaction.ip_address
            assert transaction.otp_used is not None
        assert (transaction.email_domain is not None) == (transaction.channel == "ecommerce")
        assert transaction.channel != "transfer" or transaction.beneficiary_id
        assert (transaction.city is None) == (transaction.latitude is None) == (transaction.country is None)


def test_amounts_are_positive_with_two_decimals_in_one_base_currency() -> None:
    for transaction in one_month().transactions.values():
        assert transaction.amount > 0
        assert transaction.amount == round(transaction.amount, 2)
        assert transaction.currency == "USD"


def test_local_currencies_use_their_own_minor_units() -> None:
    simulation = decoded(SimulatorConfig(users=400, days=10, seed=3, multi_currency=True))
    transactions = list(simulation.transactions.values())
    used = Counter(transaction.currency for transaction in transactions)
    assert {"USD", "EUR", "GBP", "JPY", "INR"} <= set(used)
    yen = [transaction for transaction in transactions if transaction.currency == "JPY"]
    assert all(payment.amount == int(payment.amount) for payment in yen)
    assert sorted(payment.amount for payment in yen)[len(yen) // 2] > 1_000
    assert all(payment.merchant_country in (None, "JP") for payment in yen)


def test_each_merchant_has_one_category_and_country_as_in_its_profile() -> None:
    simulation = one_month()
    profiles = {profile.merchant_id: profile for profile in simulation.simulation.reference.merchants}
    for transaction in simulation.transactions.values():
        if transaction.merchant_id is not None:
            profile = profiles[transaction.merchant_id]
            assert (transaction.merchant_category, transaction.merchant_country) == (profile.category, profile.country)


@pytest.mark.parametrize("days", [1, 10, 60])
def test_no_payment_precedes_the_opening_of_its_account(days: int) -> None:
    simulation = decoded(SimulatorConfig(users=400, days=days, seed=2))
    opened = {identifier: profile.account_opened_at or 0 for identifier, profile in simulation.users.items()}
    assert all(event.timestamp >= opened[event.user_id] for event in simulation.events)
    if days > 10:
        assert any(opened_ms > simulation.simulation.config.start_ms for opened_ms in opened.values())


def test_activity_is_low_at_night_in_local_time() -> None:
    simulation = one_month()
    hours = Counter(
        datetime.fromtimestamp(
            payment.timestamp / 1000, ZoneInfo(simulation.users[payment.user_id].timezone or "")
        ).hour
        for payments in simulation.by_user(fraud=False).values()
        for payment in payments
    )
    at_night = sum(hours[hour] for hour in (2, 3, 4, 5)) / hours.total()
    by_day = sum(hours[hour] for hour in range(10, 20)) / hours.total()
    assert 0.02 < at_night < 0.12
    assert by_day > 0.6
