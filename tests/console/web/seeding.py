"""A store with alerts to look at, some with texts that would be dangerous if a page took them as its own."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from console.store.rows import Batch, DeadLetterRow
from console.store.store import DecisionStore
from tests.console.store.made_records import alert_of, record
from udfs.core import _native
from udfs.records.events import AccountChange, Event, Label, Login, Transaction
from udfs.records.outputs import Alert, Origin, Reason, RuleScore

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOSTILE_ID = '"><img/src=x/onerror=alert(1)>'
HOSTILE_FORMULA = "=cmd|'/C_calc'!A0"
HOSTILE_TEXT = "</p><script>alert(2)</script> {{7*7}} <b onmouseover='alert(3)'>\u202egnp.exe \u0000 ‮"
NAMES = ("amount", "txn_count_1h", "amount_to_usual", "new_device", "km_from_home")
ALERTS = 24
"""Every third payment of PAYMENTS."""
PAYMENTS = 3 * ALERTS


def payments(now_ms: int) -> tuple[list[Any], list[Event]]:
    """Decisions and their events: users U0 to U5, four devices that several share, risk scores from 520 upwards."""
    records, events = [], []
    for number in range(PAYMENTS):
        user, device = f"U{number % 6}", f"D{number % 4}"
        is_alert = number % 3 == 0
        at_ms = now_ms - (PAYMENTS - number) * 20 * 60_000
        merchant = {3: HOSTILE_ID, 6: HOSTILE_FORMULA}.get(number, f"M{number % 5}")
        amount = 25.0 + number * 7.5 * (4 if is_alert else 1)
        score = 520 + (number * 37) % 480 if is_alert else 30
        city = HOSTILE_TEXT if number == 3 else "Lisbon"
        event = Transaction(
            transaction_id=f"T{number}", user_id=user, timestamp=at_ms, amount=amount, currency="EUR", merchant_id=merchant,
            device_id=device, city=city, channel="ecommerce",
        )  # fmt: skip
        reasons = [
            Reason("rule", "burst", f"{number} payments within an hour", 260.0, float(number), "1 to 3"),
            Reason(
                "trees", "amount_to_usual", f"Amount is {number}.5 times the usual", 180.0, number + 0.5, "0.5 to 2"
            ),
            Reason("autoencoder", "km_from_home", "412 km from home", 60.0, 412.0),
        ]
        text = (
            HOSTILE_TEXT if number == 3 else f"{number} payments within an hour, and {number}.5 times the usual amount"
        )
        made = record(
            number, decision_id=_native.decision_id(user, f"T{number}"), user_id=user, event_time_ms=at_ms, amount=amount,
            risk_score=score, probability=score / 1000, merchant_id=merchant,
            action=("allow" if not is_alert else ("refer_to_analyst", "soft_challenge", "hard_block")[number // 3 % 3]),
            summary=text if is_alert else None, reasons=reasons if is_alert else [],
            rules=RuleScore(1, 200, 40, ["burst"] if is_alert else [], "calibrated"),
            features={name: float(number + place) if number % 7 else None for place, name in enumerate(NAMES)},
            feature_set="e" * 16, origin=Origin("events", "0", number),
        )  # fmt: skip
        records.append(made)
        events.append(event)
    return records, events


def _alert(made: Any) -> Alert:
    return msgspec.structs.replace(alert_of(made), merchant_id=made.merchant_id)


def fill(store: DecisionStore, now_ms: int | None = None) -> list[str]:
    """Fill the store; returns the ids of the alerts, oldest first."""
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    records, events = payments(now_ms)
    alerts = [made for made in records if made.action != "allow"]
    others: list[Event] = [
        Login(event_id="L1", user_id="U0", timestamp=now_ms - HOUR_MS, device_id="D9", city=HOSTILE_TEXT),
        Label(
            event_id="B1", transaction_id="T0", user_id="U0", timestamp=now_ms - DAY_MS, known_at=now_ms - HOUR_MS,
            is_fraud=True,
        ),
        Login(event_id="L2", user_id="U3", timestamp=now_ms - 5 * DAY_MS, device_id="D7", success=True),
        AccountChange(
            event_id="A1", user_id="U3", timestamp=now_ms - 2 * HOUR_MS, reason=f"phone number changed {HOSTILE_ID}",
            audit_user="user",
        ),
        AccountChange(event_id="A2", user_id="U3", timestamp=now_ms - 30 * HOUR_MS, reason="password reset"),
        *(
            Login(event_id=f"L{number}", user_id="U3", timestamp=now_ms - number * HOUR_MS, device_id="D8", success=False)
            for number in (3, 4, 40)
        ),
    ]  # fmt: skip
    payload = b'{"transaction_id": "<script>alert(4)</script>", "amount": "many"}'
    letters = [
        DeadLetterRow(
            letter_id=f"letter-{number}", recorded_ms=now_ms - number, reason=f"amount: expected a number {HOSTILE_ID}",
            payload=payload if number else b"\xff\xfe\x00", payload_sha256="0" * 64, origin=Origin("events", "1", number),
        )
        for number in range(3)
    ]  # fmt: skip
    store.write(
        Batch(
            decisions=records,
            alerts=[_alert(made) for made in alerts],
            events=[*events, *others],
            dead_letters=letters,
        )
    )
    return [made.decision_id for made in alerts]
