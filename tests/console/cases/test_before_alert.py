"""What changed before an alert, against a plain search through all events, on both databases."""

from __future__ import annotations

from random import Random

import pytest

from console.cases import before_alert as module
from console.cases.before_alert import KINDS, SPANS_MS, before_alert
from console.store.rows import Batch
from console.store.store import DecisionStore
from tests.console.store.conftest import new_url, store, url  # noqa: F401
from udfs.records.events import AccountChange, Event, Login, Transaction

NOW_MS = 1_767_700_000_000
HOUR_MS = 3_600_000
REASONS = {
    "password reset by the user": "password_changed", "PIN changed": "password_changed",
    "e-mail address changed": "email_changed", "new Email": "email_changed", "phone number changed": "phone_changed",
    "SIM replaced": "phone_changed", "card lost": "account_changed", "spinning": "account_changed", None: "account_changed",
}  # fmt: skip


def random_events(random: Random, user: str, count: int) -> list[Event]:
    made: list[Event] = []
    for number in range(count):
        at_ms = NOW_MS - random.randrange(200) * HOUR_MS + random.choice([0, 0, 1, 2 * HOUR_MS])
        device = random.choice([None, *(f"D{one}" for one in range(12))])
        match random.randrange(3):
            case 0:
                made.append(
                    Transaction(
                        transaction_id=f"T{number}", user_id=user, timestamp=at_ms, amount=1.0, device_id=device,
                        beneficiary_id=random.choice([None, *(f"B{one}" for one in range(9))]),
                    )
                )  # fmt: skip
            case 1:
                made.append(
                    Login(
                        event_id=f"L{number}", user_id=user, timestamp=at_ms, device_id=device,
                        success=random.choice([True, False, None]),
                    )
                )  # fmt: skip
            case _:
                made.append(
                    AccountChange(
                        event_id=f"A{number}", user_id=user, timestamp=at_ms, reason=random.choice(list(REASONS)),
                        old_status="a", new_status="b",
                    )
                )  # fmt: skip
    return made


def searched(happened: list[Event]) -> dict[str, list[int]]:
    """Kind -> how often in the last 24 and 72 hours."""
    times: dict[str, list[int]] = {kind: [] for kind in KINDS}
    start = NOW_MS - SPANS_MS[-1]
    for field, kind in (("device_id", "new_device"), ("beneficiary_id", "new_beneficiary")):
        first: dict[str, int] = {}
        for one in happened:
            value = getattr(one, field, None)
            if value is not None and one.timestamp <= NOW_MS:
                first[value] = min(first.get(value, one.timestamp), one.timestamp)
        times[kind] = [at_ms for at_ms in first.values() if at_ms > start]
    for one in happened:
        if start < one.timestamp <= NOW_MS:
            if isinstance(one, AccountChange):
                times[REASONS[one.reason]].append(one.timestamp)
            elif isinstance(one, Login) and one.success is False:
                times["failed_login"].append(one.timestamp)
    return {kind: [sum(at > NOW_MS - span for at in times[kind]) for span in SPANS_MS] for kind in KINDS}


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_as_a_search_finds_them(store: DecisionStore, seed: int) -> None:  # noqa: F811
    random = Random(seed)
    made = random_events(random, "U1", 40)
    store.write(Batch(events=[*made, *random_events(random, "U2", 40)]))
    found = before_alert(store.database, "U1", NOW_MS)
    assert {kind: found.counts(kind) for kind in KINDS} == searched(made)
    assert [one.at_ms for one in found.happened] == sorted((one.at_ms for one in found.happened), reverse=True)
    assert found.earlier == sum(
        not isinstance(one, AccountChange) and one.timestamp <= NOW_MS - SPANS_MS[-1] for one in made
    )


def test_nothing_is_new_for_a_user_without_a_past(store: DecisionStore) -> None:  # noqa: F811
    first = Transaction(
        transaction_id="T", user_id="U1", timestamp=NOW_MS, amount=1.0, device_id="D", beneficiary_id="B"
    )
    store.write(Batch(events=[first]))
    assert before_alert(store.database, "U1", NOW_MS) == (NOW_MS, [], 0)
    assert before_alert(store.database, "nobody", NOW_MS) == (NOW_MS, [], 0)


def test_a_user_of_many_events_is_looked_at_in_part(store: DecisionStore, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(module, "MOST_EARLIER", 3)
    old = [
        Transaction(
            transaction_id=f"T{one}", user_id="U1", timestamp=NOW_MS - (100 + one) * HOUR_MS, amount=1.0, device_id="D",
        )
        for one in range(9)
    ]  # fmt: skip
    store.write(Batch(events=old))
    assert before_alert(store.database, "U1", NOW_MS).earlier == 3
