"""Seeded random decisions with few different values, so that every filter finds some, and many of one millisecond."""

from __future__ import annotations

from random import Random
from typing import Any

from console.store.rows import DecisionRecord
from udfs.records.outputs import ACTIONS, Alert, ModelScore, Origin, Reason, RuleScore, ShadowScore

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY_MS = 86_400_000
RULES = ("velocity_1h", "new_device", "night", "far_from_home")
WORDS = ("device", "new", "Amount", "foreign", "COUNTRY", "12.5", "times", "usual", "über", "night_time")
FEATURES = ("amount", "txn_count_5m", "velocity_score")
FEATURE_SET = "f" * 16


def record(number: int, **changes: Any) -> DecisionRecord:
    """Decision D<number> of user U<number % 5>, allowed, unless changed."""
    fields: dict[str, Any] = {
        "decision_id": f"D{number}", "transaction_id": f"T{number}", "user_id": f"U{number % 5}",
        "event_time_ms": START_MS + number * 60_000, "amount": 10.0, "currency": "EUR", "risk_score": 10,
        "probability": 0.01, "coverage": 1.0, "action": "allow",
        "model": ModelScore(changes.pop("bundle", "b1"), 0.01, -3.0, 0.1),
        "rules": RuleScore(changes.pop("rules_version", 1), 0, 0, changes.pop("hits", [])), "enrichment": "ok",
    }  # fmt: skip
    return DecisionRecord(**(fields | changes))


def random_record(random: Random, number: int, days: float = 70) -> DecisionRecord:
    """Over `days` days from the start of 2026: more than two months."""
    score = random.choice([0, 3, 49, 50, 51, 99, 100, 420, 777, 999, 1000, random.randrange(1001)])
    action = random.choice(ACTIONS) if score >= 50 else "allow"
    hits = [rule for rule in RULES if random.random() < 0.2]
    reasons = [
        Reason(
            "rule", rule, " ".join(random.sample(WORDS, 3)), round(random.random() * 100, 3), random.choice([None, 2.5])
        )
        for rule in hits
    ]
    features = None if random.random() < 0.3 else {name: random.choice([None, random.random()]) for name in FEATURES}
    return record(
        number,
        decision_id=f"{random.getrandbits(128):032x}", user_id=f"U{random.randrange(40)}",
        event_time_ms=START_MS + random.randrange(int(days * 24)) * 3_600_000 + random.randrange(3),
        amount=round(random.random() * 1_000, 2), risk_score=score, probability=score / 1_000, action=action,
        tags=[tag for tag in ("low_coverage", "unusual", "tag_of_later") if random.random() < 0.1],
        flags=[flag for flag in ("AML", "KYC", "PCI") if random.random() < 0.1], reasons=reasons,
        summary=f"Refer: {reasons[0].text}" if reasons and action != "allow" else None,
        model=ModelScore(random.choice(["b1", "b1", "b2"]), score / 1_000, -1.5, 0.25),
        rules=RuleScore(random.choice([3, 4]), 100, 20, hits, "calibrated" if hits else "none"),
        late=random.random() < 0.1, stale_history=random.random() < 0.1,
        merchant_id=random.choice([None, "M1"]), origin=random.choice([None, Origin("events", "3", number)]),
        control_versions=random.choice([{}, {"rules": 2}]), features=features, shadow=_shadow(random),
        feature_set=None if features is None else FEATURE_SET,
    )  # fmt: skip


def _shadow(random: Random) -> list[ShadowScore]:
    """What up to two sets in shadow say; None of an action: the set failed."""
    return [
        ShadowScore(name, 5, [rule for rule in RULES if random.random() < 0.2], 30, random.choice([*ACTIONS, None]))
        for name in ("rules", "stricter")
        if random.random() < 0.3
    ]


def random_records(seed: int, count: int) -> list[DecisionRecord]:
    random = Random(seed)
    return [random_record(random, number) for number in range(count)]


def alert_of(made: DecisionRecord) -> Alert:
    """The alert of a decision, as the scorer makes it."""
    return Alert(
        alert_id=made.decision_id, user_id=made.user_id, event_time_ms=made.event_time_ms, action=made.action,  # type: ignore[arg-type]
        risk_score=made.risk_score, flags=made.flags, reasons=[reason.text for reason in made.reasons],  # type: ignore[arg-type]
        summary=made.summary, transaction_id=made.transaction_id, amount=made.amount, currency=made.currency,
    )  # fmt: skip
