"""Signatures of card-fraud patterns in the events."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.simulator.decoded import DAY_MS, HOUR_MS, MINUTE_MS, episodes, kilometres, only, place
from udfs.records.events import Transaction


def test_card_testing_is_micro_amounts_then_a_larger_one() -> None:
    for episode in episodes("card_testing", 3 * HOUR_MS):
        *tests, large = episode
        assert 3 <= len(tests) <= 7
        assert all(0.50 <= test.amount < 5.00 for test in tests)
        assert tests[-1].timestamp - tests[0].timestamp <= 15 * MINUTE_MS
        assert tests[-1].auth_result == "approved"
        assert large.amount >= 10.00
        assert MINUTE_MS <= large.timestamp - tests[-1].timestamp <= 3 * HOUR_MS
        assert {(step.channel, step.device_id, step.otp_used) for step in episode} == {
            ("ecommerce", large.device_id, False)
        }


def test_card_testing_needs_no_login() -> None:
    logged_in = {(login.user_id, login.device_id) for login in only("card_testing").logins}
    used = {(step.user_id, step.device_id) for episode in episodes("card_testing", 3 * HOUR_MS) for step in episode}
    assert len(used) >= 3
    assert not used & logged_in


def test_burst_is_five_to_ten_ordinary_amounts_within_45_minutes() -> None:
    for episode in episodes("burst", HOUR_MS):
        assert 5 <= len(episode) <= 10
        assert episode[-1].timestamp - episode[0].timestamp <= 45 * MINUTE_MS
        amounts = sorted(step.amount for step in episode)
        assert amounts[-1] <= 4.01 * amounts[0]


def test_late_night_begins_between_0_and_4_in_local_time() -> None:
    simulation = only("late_night")
    for episode in episodes("late_night", 2 * HOUR_MS):
        zone = ZoneInfo(simulation.users[episode[0].user_id].timezone or "")
        assert 0 <= datetime.fromtimestamp(episode[0].timestamp / 1000, zone).hour < 4
        assert episode[-1].timestamp - episode[0].timestamp <= HOUR_MS


def test_impossible_travel_is_faster_than_an_aeroplane() -> None:
    simulation = only("impossible_travel")
    legitimate = simulation.by_user(fraud=False)
    speeds = []
    for episode in episodes("impossible_travel", 3 * HOUR_MS):
        first = episode[0]
        assert first.channel in ("pos", "atm")
        there = place(first)
        earlier = [
            payment
            for payment in legitimate[first.user_id]
            if 0 < first.timestamp - payment.timestamp <= 100 * MINUTE_MS
        ]
        here = [point for payment in earlier if payment.channel == "pos" and (point := place(payment)) is not None]
        assert there is not None
        speeds.append(
            max(kilometres(point, there) for point in here) / ((first.timestamp - earlier[0].timestamp) / HOUR_MS)
        )
    assert min(speeds) > 900


def test_geographic_anomaly_is_one_address_over_500_km_from_home() -> None:
    simulation = only("geographic_anomaly")
    for episode in episodes("geographic_anomaly", 30 * HOUR_MS):
        profile = simulation.users[episode[0].user_id]
        home = (profile.home_latitude or 0.0, profile.home_longitude or 0.0)
        assert {step.ip_address for step in episode} == {episode[0].ip_address}
        for step in episode:
            point = place(step)
            assert point is not None
            assert kilometres(home, point) > 450  # measured from the home, not from the city's centre


def test_high_risk_merchants_are_of_risky_categories() -> None:
    for episode in episodes("high_risk_merchant", 8 * HOUR_MS):
        assert len(episode) <= 3
        assert {step.merchant_category for step in episode} <= {"5732", "5944", "6051", "7995"}


def test_unexpected_foreign_payments_go_to_one_foreign_country() -> None:
    simulation = only("unexpected_foreign")
    for episode in episodes("unexpected_foreign", 48 * HOUR_MS):
        countries = {step.merchant_country for step in episode}
        assert len(countries) == 1
        assert simulation.users[episode[0].user_id].home_country not in countries
        assert all(step.entry_mode == ("manual" if step.channel == "pos" else "online") for step in episode)


def test_merchant_compromise_affects_many_users_for_some_days() -> None:
    simulation = only("merchant_compromise")
    at_merchant: dict[str | None, list[Transaction]] = defaultdict(list)
    for transactions in simulation.by_user(fraud=True).values():
        for transaction in transactions:
            at_merchant[transaction.merchant_id].append(transaction)
    assert len(at_merchant) >= 3
    legitimate = [payment for payments in simulation.by_user(fraud=False).values() for payment in payments]
    before_or_after = 0
    for merchant, frauds in at_merchant.items():
        first, last = min(fraud.timestamp for fraud in frauds), max(fraud.timestamp for fraud in frauds)
        assert 4 <= len(frauds) <= 40
        assert last - first <= 10 * DAY_MS
        assert len({fraud.user_id for fraud in frauds}) >= 2
        meanwhile = [
            payment for payment in legitimate if payment.merchant_id == merchant and first <= payment.timestamp <= last
        ]
        assert len(frauds) > len(meanwhile)
        before_or_after += sum(payment.merchant_id == merchant and payment.timestamp < first for payment in legitimate)
    assert before_or_after > 0


def test_structured_amounts_stay_just_below_a_reporting_threshold() -> None:
    for episode in episodes("structuring", 120 * HOUR_MS):
        assert len(episode) >= 2
        assert len({50_000 if step.amount < 50_000 else 200_000 for step in episode}) == 1
        for step in episode:
            assert step.channel == "transfer"
            assert any(threshold - 500.0 <= step.amount < threshold for threshold in (50_000, 200_000))
