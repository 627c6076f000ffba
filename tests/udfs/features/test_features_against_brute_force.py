"""Every window and habit feature, after every event, against lists of everything that ever arrived.

Streams hold duplicates, out-of-order, late and very late events, logins, account changes and labels. In between the
cache is evicted at random, the state is restored into a new engine, and small bounds make compaction frequent.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.brute_force_user import DAY, HOUR, MINUTE, BruteForceUser
from tests.udfs.engines import Engine
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.profiles import UserProfile
from udfs.state.settings import UserStateSettings, WindowSettings

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
PROFILE = UserProfile(
    user_id="U1", home_country="DE", home_latitude=52.5, home_longitude=13.4, prior_fraud_count=2, credit_limit=2_500.0
)  # fmt: skip
ORACLE_PROFILE = {"home_country": "DE", "home": (52.5, 13.4), "prior_fraud_count": 2, "credit_limit": 2_500.0}
SMALL = UserStateSettings(
    snapshot_every=5, snapshot_after_ms=DAY, compact_slack=4, windows=WindowSettings(forget_batch=2)
)


class Twin:
    """Passes the same events to the engine and the oracle, and compares the results."""

    def __init__(self, state: UserStateSettings = SMALL) -> None:
        self.engine = Engine({"user:U1": PROFILE}, state=state)
        self.oracle = BruteForceUser(profile=ORACLE_PROFILE)
        self.seen: Counter[str] = Counter()

    def evict(self) -> None:
        self.engine.evict()

    def restore(self) -> None:
        self.engine.restart()

    def transaction(self, tx: dict[str, Any]) -> None:
        tx = {**tx, "night": (tx["t"] // HOUR) % 24 in (23, 0, 1, 2, 3, 4, 5)}
        place = tx["place"]
        event = Transaction(
            transaction_id=tx["id"], user_id="U1", timestamp=tx["t"], amount=float(tx["amount"]),
            kind="refund" if tx["refund"] else "purchase", auth_result="declined" if tx["declined"] else None,
            merchant_id=tx["merchant"], merchant_category=tx["category"], device_id=tx["device"], city=tx["city"],
            country=tx["country"], ip_address=tx["ip"], beneficiary_id=tx["beneficiary"],
            latitude=place[0] if place else None, longitude=place[1] if place else None,
        )  # fmt: skip
        observation = self.engine.pay(event)
        if self.oracle.is_duplicate(tx["id"], tx["t"]):
            assert observation is None, tx
            self.seen["duplicate"] += 1
            return
        assert observation is not None, tx
        assert observation.late == self.oracle.is_late(tx["t"])
        self.seen["late" if observation.late else "accepted"] += 1
        expected = self.oracle.features(tx)
        for name, value in expected.items():
            got = observation.features[name]
            same = math.isnan(got) if math.isnan(value) else math.isclose(got, value, rel_tol=1e-9, abs_tol=1e-6)
            assert same, f"{name}: got {got}, by definition {value}, for {tx}"
            self.seen["compared"] += 1
        self.oracle.accept(tx)

    def login(self, login: dict[str, Any]) -> None:
        duplicate = self.oracle.is_duplicate("login " + login["id"], login["t"])
        self.engine.tell(
            Login(
                event_id=login["id"], user_id="U1", timestamp=login["t"], success=login["success"],
                device_id=login["device"], city=login["city"],
            )
        )  # fmt: skip
        if not duplicate:
            self.oracle.accept_login(login)

    def change(self, change: dict[str, Any]) -> None:
        duplicate = self.oracle.is_duplicate("change " + change["id"], change["t"])
        new = self.engine.tell(
            AccountChange(
                event_id=change["id"], user_id="U1", timestamp=change["t"], old_status="blocked",
                new_status="active" if change["unblocks"] else "frozen",
            )
        )  # fmt: skip
        assert new is not duplicate
        if not duplicate:
            self.oracle.accept_change(change)

    def label(self, transaction_id: str, t: int, known_at: int, fraud: bool) -> None:
        self.engine.tell(
            Label(
                event_id="x",
                transaction_id=transaction_id,
                user_id="U1",
                timestamp=t,
                known_at=known_at,
                is_fraud=fraud,
            )
        )
        self.oracle.labels.append((transaction_id, known_at, fraud))


def run(draw: random.Random, events: int, state: UserStateSettings) -> Twin:
    twin = Twin(state)
    now = START
    sent: list[dict[str, Any]] = []
    pace = draw.choice([20_000, 10 * MINUTE, HOUR, 5 * HOUR])
    for number in range(events):
        now += int(pace * min(10.0, draw.expovariate(1.0)))
        if draw.random() < 0.01:
            now += draw.choice([DAY, 3 * DAY, 9 * DAY])
        t = now
        if draw.random() < 0.25:
            t -= draw.randint(0, draw.choice([1_000, 10 * MINUTE, 23 * HOUR, DAY, 2 * DAY, 4 * DAY]))
        if draw.random() < 0.1 and sent:
            t = draw.choice(sent[-5:])["t"] + draw.choice([0, 0, 5 * MINUTE, HOUR, DAY, DAY - 1, DAY + 1])
        kind = draw.random()
        if kind < 0.08:
            success = draw.choice([True, False, None])
            twin.login(
                {
                    "id": f"L{draw.randint(0, number)}", "t": max(t, START), "success": success,
                    "device": draw.choice(["d1", "d2", None]), "city": draw.choice(["Bonn", "Rome", None]),
                }
            )  # fmt: skip
        elif kind < 0.10:
            twin.change({"id": f"C{draw.randint(0, number)}", "t": max(t, START), "unblocks": draw.random() < 0.7})
        elif kind < 0.13 and sent:
            tx = draw.choice(sent[-30:])
            twin.label(tx["id"], tx["t"], max(now, tx["t"]), draw.random() < 0.7)
        elif kind < 0.25 and sent:
            twin.transaction({**draw.choice(sent[-40:])} if draw.random() < 0.5 else {**draw.choice(sent), "t": t})
        else:
            tx = random_transaction(draw, f"T{number}", t)
            sent.append(tx)
            twin.transaction(tx)
        chance = draw.random()
        if chance < 0.15:
            twin.evict()
        elif chance < 0.20:
            twin.restore()
    return twin


def random_transaction(draw: random.Random, transaction_id: str, t: int) -> dict[str, Any]:
    def some(prefix: str, count: int) -> str | None:
        return None if draw.random() < 0.15 else f"{prefix}{int(min(draw.expovariate(0.15), count))}"

    cents = draw.choice([0, 1, 10_000, draw.randint(1, 400), draw.randint(1, 10**9)])
    return {
        "id": transaction_id, "t": t, "amount": Fraction(cents, 100), "refund": draw.random() < 0.1,
        "declined": draw.random() < 0.2, "merchant": some("m", 90), "category": some("c", 40), "device": some("d", 24),
        "country": draw.choice(["DE", "DE", "FR", "IT", None, *(f"X{i}" for i in range(9))]), "city": some("t", 20),
        "ip": some("i", 24), "beneficiary": some("b", 40),
        "place": None if draw.random() < 0.2 else (draw.uniform(-89, 89), draw.uniform(-179, 179)),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(24))
def test_all_features_match_the_oracle_after_each_random_event(seed: int) -> None:
    twin = run(random.Random(seed), 250, SMALL)
    assert twin.seen["accepted"] > 50
    assert twin.seen["compared"] > 5_000


def test_random_streams_contain_late_and_duplicate_transactions() -> None:
    seen = sum((run(random.Random(seed), 250, SMALL).seen for seed in range(8)), Counter())
    assert seen["late"] > 5
    assert seen["duplicate"] > 20


def test_default_settings_match_the_oracle_on_a_long_stream() -> None:
    twin = run(random.Random(99), 900, UserStateSettings())
    assert twin.seen["accepted"] > 500


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(5, 60))
def test_any_stream_matches_the_oracle(draw: random.Random, events: int) -> None:
    run(draw, events, SMALL)


def test_a_window_excludes_its_start_and_includes_its_end() -> None:
    """00:00 a .... 04:59.999 b .. 05:00 c -> at c the 5-minute window holds b and c, not a."""
    twin = Twin()
    base = {**random_transaction(random.Random(1), "a", START), "amount": Fraction(10)}
    for transaction_id, t in (("a", START), ("b", START + 5 * MINUTE - 1), ("c", START + 5 * MINUTE)):
        twin.transaction({**base, "id": transaction_id, "t": t})
    event = Transaction(transaction_id="d", user_id="U1", timestamp=START + 5 * MINUTE, amount=10.0)
    observation = twin.engine.pay(event)
    assert observation is not None
    assert observation.features["txn_count_5m"] == 3.0  # b, c and d
    assert observation.features["txn_count_1h"] == 4.0


def test_a_late_transaction_changes_no_window_but_is_deduplicated() -> None:
    """day 0: late (arrives last) .... day 3: a"""
    twin = Twin()
    base = random_transaction(random.Random(1), "a", START + 3 * DAY)
    twin.transaction(base)
    twin.transaction({**base, "id": "late", "t": START})
    assert twin.seen == Counter(accepted=1, late=1, compared=twin.seen["compared"])
    twin.evict()
    assert twin.engine.pay(Transaction(transaction_id="late", user_id="U1", timestamp=START, amount=1.0)) is None


def test_ids_expire_after_48_hours_with_and_without_cached_users() -> None:
    for evict in (False, True):
        twin = Twin(UserStateSettings())
        base = random_transaction(random.Random(1), "a", START)
        twin.transaction(base)
        twin.transaction({**base, "id": "b", "t": START + 2 * DAY - 1})
        if evict:
            twin.evict()
        assert twin.engine.pay(Transaction(transaction_id="a", user_id="U1", timestamp=START, amount=1.0)) is None
        twin.transaction({**base, "id": "c", "t": START + 2 * DAY})
        if evict:
            twin.evict()
        again = twin.engine.pay(Transaction(transaction_id="a", user_id="U1", timestamp=START, amount=1.0))
        assert again is not None
        assert again.late
