"""Plausibility of ordinary behaviour, including unusual cases."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

from tests.simulator.decoded import HOUR_MS, Decoded, kilometres, one_month, place
from udfs.records.events import Transaction


def _honest(simulation: Decoded) -> list[list[Transaction]]:
    return [payments for payments in simulation.by_user(fraud=False).values() if len(payments) >= 30]


def test_users_pay_mostly_at_the_same_merchants() -> None:
    shares = []
    for payments in _honest(one_month()):
        merchants = Counter(payment.merchant_id for payment in payments if payment.channel == "pos")
        if merchants.total() >= 10:
            shares.append(sum(count for _, count in merchants.most_common(5)) / merchants.total())
    assert 0.5 < sum(shares) / len(shares) < 0.9


def test_amounts_vary_around_the_users_mean_with_rare_large_ones() -> None:
    ratios = []
    for payments in _honest(one_month()):
        amounts = sorted(payment.amount for payment in payments)
        ratios += [amount / amounts[len(amounts) // 2] for amount in amounts]
    ratios.sort()
    assert ratios[int(0.9 * len(ratios))] < 8
    assert 0.005 < sum(ratio > 15 for ratio in ratios) / len(ratios) < 0.05


def test_travel_speed_stays_plausible() -> None:
    travellers, fast, pairs = 0, 0, 0
    people = _honest(one_month())
    for payments in people:
        in_person = [
            payment for payment in payments if payment.channel in ("pos", "atm") and payment.kind == "purchase"
        ]
        located = [payment for payment in in_person if place(payment) is not None]
        cities = Counter(payment.city for payment in located)
        travellers += sum(count >= 2 for count in cities.values()) > 1
        for earlier, later in pairwise(located):
            here, there = place(earlier), place(later)
            assert here
            assert there
            pairs += 1
            hours = max(1, later.timestamp - earlier.timestamp) / HOUR_MS
            distance_km = kilometres(here, there)
            fast += distance_km > 100 and distance_km / hours > 1_000
    assert 0.05 < travellers / len(people) < 0.6
    assert fast / pairs < 0.002


def test_users_have_few_devices_and_new_ones_appear() -> None:
    simulation = one_month()
    registered = {profile.device_id for profile in simulation.simulation.reference.devices}
    devices: dict[str, set[str]] = defaultdict(set)
    for payments in _honest(simulation):
        for payment in payments:
            if payment.device_id is not None:
                devices[payment.user_id].add(payment.device_id)
    counts = [len(used) for used in devices.values()]
    assert 1 < sum(counts) / len(counts) < 3
    assert sum(bool(used - registered) for used in devices.values()) > 0.03 * len(devices)


def test_sessions_have_one_user_and_device_and_mostly_a_login() -> None:
    simulation = one_month()
    sessions: dict[str, list[Transaction]] = defaultdict(list)
    for transaction in simulation.transactions.values():
        if transaction.session_id is not None:
            sessions[transaction.session_id].append(transaction)
    logins: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for login in simulation.logins:
        if login.success:
            logins[(login.user_id, login.device_id)].append(login.timestamp)
    begun = 0
    for members in sessions.values():
        first = min(members, key=lambda member: member.timestamp)
        assert len({(member.user_id, member.device_id) for member in members}) == 1
        times = logins[(first.user_id, first.device_id)]
        begun += any(0 < first.timestamp - login_ms <= 360_000 for login_ms in times)
    assert 0.7 < begun / len(sessions) < 0.9
    assert any(len(members) > 1 for members in sessions.values())
    failed = sum(login.success is False for login in simulation.logins)
    assert 0.01 < failed / len(simulation.logins) < 0.15


def test_refunds_follow_a_purchase_and_never_exceed_it() -> None:
    for payments in one_month().by_user(fraud=False).values():
        for refund in payments:
            if refund.kind != "purchase":
                assert any(
                    payment.kind == "purchase"
                    and payment.merchant_id == refund.merchant_id
                    and payment.timestamp < refund.timestamp
                    and payment.amount >= refund.amount
                    for payment in payments
                )


def test_some_payments_are_refunded_reversed_or_declined() -> None:
    payments = [payment for payments in one_month().by_user(fraud=False).values() for payment in payments]
    kinds = Counter(payment.kind for payment in payments)
    assert kinds["refund"] > kinds["reversal"] > 0
    assert 0.01 < sum(payment.auth_result == "declined" for payment in payments) / len(payments) < 0.05


def test_few_merchants_receive_most_payments() -> None:
    visits = Counter(payment.merchant_id for payment in one_month().transactions.values() if payment.merchant_id)
    top = sum(count for _, count in visits.most_common(len(visits) // 10))
    assert 0.25 < top / visits.total() < 0.8


def test_most_account_changes_have_an_audit_user() -> None:
    changes = one_month().account_changes
    audit_users = Counter(change.audit_user for change in changes)
    assert audit_users["self_service"] > 0
    assert audit_users["system"] > 0
    blocked = [change for change in changes if change.new_status == "blocked"]
    assert all(change.old_status == "active" for change in blocked)
