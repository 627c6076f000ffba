"""Signatures of account-fraud patterns in the events."""

from __future__ import annotations

from collections import defaultdict

from tests.simulator.decoded import DAY_MS, HOUR_MS, MINUTE_MS, episodes, only
from udfs.records.events import Transaction


def test_account_takeover_is_2_to_5_payments_from_one_device_in_4_hours() -> None:
    simulation = only("account_takeover")
    ratios = []
    for episode in episodes("account_takeover", 4 * HOUR_MS):
        assert 2 <= len(episode) <= 5
        assert episode[-1].timestamp - episode[0].timestamp <= 4 * HOUR_MS
        assert {step.channel for step in episode} in ({"ecommerce"}, {"transfer"})
        assert len({(step.device_id, step.ip_address) for step in episode}) == 1
        ratios += [step.amount / simulation.mean_amount(step.user_id) for step in episode]
    assert 1.0 < sorted(ratios)[len(ratios) // 2] < 6.0


def test_account_takeover_begins_with_a_login_from_its_device() -> None:
    logins = {(login.user_id, login.device_id): login for login in only("account_takeover").logins}
    for episode in episodes("account_takeover", 4 * HOUR_MS):
        assert logins[(episode[0].user_id, episode[0].device_id)].success


def test_credential_stuffing_is_failed_logins_success_then_payments() -> None:
    simulation = only("credential_stuffing")
    for episode in episodes("credential_stuffing", 2 * HOUR_MS):
        first = episode[0]
        attempts = [
            login
            for login in simulation.logins
            if (login.user_id, login.device_id) == (first.user_id, first.device_id)
            and first.timestamp - 31 * MINUTE_MS <= login.timestamp < first.timestamp
        ]
        success = next(login for login in attempts if login.success)
        failed = [login for login in attempts if login.success is False and login.timestamp <= success.timestamp]
        assert 3 <= len(failed) <= 12
        assert success.timestamp - failed[0].timestamp <= 10 * MINUTE_MS + 1_000
        assert {step.device_id for step in episode} == {first.device_id}
        assert 1 <= len(episode) <= 4


def test_new_account_frauds_are_within_30_days_of_the_opening() -> None:
    simulation = only("new_account")
    for episode in episodes("new_account", 72 * HOUR_MS):
        opened_ms = simulation.users[episode[0].user_id].account_opened_at or 0
        assert all(0 <= step.timestamp - opened_ms <= 30 * DAY_MS for step in episode)


def test_mule_chains_pass_most_of_the_money_from_hop_to_hop() -> None:
    simulation = only("mule_chain")
    hops = [fraud for frauds in simulation.by_user(fraud=True).values() for fraud in frauds]
    links = 0
    for hop in hops:
        for following in hops:
            waited_ms = following.timestamp - hop.timestamp
            if hop.beneficiary_id == following.user_id and 0 < waited_ms <= 5 * HOUR_MS:
                links += 1
                assert 0.799 * hop.amount <= following.amount <= 0.981 * hop.amount
                assert waited_ms >= 5 * MINUTE_MS
    assert {hop.channel for hop in hops} == {"transfer"}
    assert links >= 2 / 3 * len(hops)  # chains of three to five hops: all but the last one of each are linked


def test_overdraft_attempts_decline_until_a_smaller_amount_is_approved() -> None:
    for episode in episodes("overdraft_attempts", HOUR_MS):
        *declined, approved = episode
        assert 2 <= len(declined) <= 5
        assert {step.auth_result for step in declined} == {"declined"}
        assert approved.auth_result == "approved"
        amounts = [step.amount for step in episode]
        assert amounts == sorted(amounts, reverse=True)
        assert len(set(amounts)) == len(amounts)


def test_bust_out_grows_within_3_days_on_own_devices_until_declined() -> None:
    simulation = only("bust_out")
    owned = {profile.device_id for profile in simulation.simulation.reference.devices}
    first_amounts, last_amounts = 0.0, 0.0
    own = 0
    for episode in episodes("bust_out", 72 * HOUR_MS):
        assert 6 <= len(episode) <= 12
        assert episode[-1].timestamp - episode[0].timestamp <= 72 * HOUR_MS
        declined = [step.auth_result == "declined" for step in episode]
        assert 1 <= sum(declined) <= 3
        assert declined == sorted(declined)
        first_amounts += sum(step.amount for step in episode[:3])
        last_amounts += sum(step.amount for step in episode[-3:])
        own += {step.device_id for step in episode} <= owned
    assert last_amounts > 2 * first_amounts
    assert own >= 1


def test_refund_abuse_exceeds_what_was_paid_at_one_shop() -> None:
    simulation = only("refund_abuse")
    legitimate = simulation.by_user(fraud=False)
    for episode in episodes("refund_abuse", 168 * HOUR_MS):
        first = episode[0]
        assert {(step.kind, step.merchant_id) for step in episode} == {("refund", first.merchant_id)}
        paid = [
            payment
            for payment in legitimate[first.user_id]
            if payment.merchant_id == first.merchant_id
            and payment.kind == "purchase"
            and -8 * DAY_MS <= payment.timestamp - first.timestamp <= DAY_MS
        ]
        assert paid
        assert sum(step.amount for step in episode) > 1.3 * min(payment.amount for payment in paid)


def test_device_farm_pays_for_4_to_9_users_from_one_device_in_36_hours() -> None:
    by_device: dict[str | None, list[Transaction]] = defaultdict(list)
    for frauds in only("device_farm").by_user(fraud=True).values():
        for fraud in frauds:
            by_device[fraud.device_id].append(fraud)
    assert len(by_device) >= 3
    for frauds in by_device.values():
        frauds.sort(key=lambda fraud: fraud.timestamp)
        if len({fraud.ip_address for fraud in frauds}) > 1:
            continue  # fraudsters use a device again; then two farms share it
        assert 4 <= len({fraud.user_id for fraud in frauds}) == len(frauds) <= 9
        assert frauds[-1].timestamp - frauds[0].timestamp <= 36 * HOUR_MS
