"""Synthetic decisions for the store's benchmark: shares of actions, rules and words as of a bank, over 90 days."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random

from console.store.rows import DecisionRecord
from udfs.features.feature_set import feature_set_of
from udfs.records.outputs import ModelScore, Origin, Reason, RuleScore

START_MS = 1_767_225_600_000
DAYS = 90
RULES = tuple(f"rule_{number:02d}" for number in range(30))
WORDS = tuple(f"word{number}" for number in range(400))
BUNDLE, OLD_BUNDLE, CANARY = "bundle-new", "bundle-old", "bundle-canary"
_ACTIONS = (("allow", 0.95), ("refer_to_analyst", 0.985), ("soft_challenge", 0.995), ("hard_block", 1.0))
_LOWEST = {"allow": 0, "refer_to_analyst": 500, "soft_challenge": 700, "hard_block": 900}
_NOT_KNOWN = 0.2


def synthetic(count: int, users: int = 100_000, seed: int = 1) -> Iterator[DecisionRecord]:
    """Decisions in the order of time, with packed features, those with an action with reasons."""
    random = Random(seed)
    own = feature_set_of()
    pool = [
        struct.pack(f"<{len(own.names)}d", *(
            float("nan") if random.random() < _NOT_KNOWN else random.choice([0.0, 1.0, random.random() * 1_000])
            for _ in own.names))
        for _ in range(200)
    ]  # fmt: skip
    step = DAYS * 86_400_000 / count
    for number in range(count):
        yield _one(random, number, START_MS + int(number * step), users, pool[number % len(pool)], own.version)


def _one(random: Random, number: int, time_ms: int, users: int, features: bytes, feature_set: str) -> DecisionRecord:
    draw = random.random()
    action = next(name for name, below in _ACTIONS if draw < below)
    lowest = _LOWEST[action]
    score = int(random.random() ** 4 * 500) if action == "allow" else lowest + int(random.random() * 100)
    hits = [RULES[min(int(random.paretovariate(0.8)), len(RULES) - 1)] for _ in range(2 if draw > 0.9 else draw > 0.8)]
    reasons = []
    if action != "allow":
        for hit in hits or ["trees"]:
            text = " ".join(WORDS[min(int(random.paretovariate(0.6)), len(WORDS) - 1)] for _ in range(9))
            reasons.append(Reason("rule", hit, f"Payment of {random.randrange(900)} EUR: {text}", 120.5))
    bundle = OLD_BUNDLE if time_ms < START_MS + 30 * 86_400_000 else CANARY if draw > 0.9995 else BUNDLE
    return DecisionRecord(
        decision_id=f"{random.getrandbits(128):032x}", transaction_id=f"T{number:09d}",
        user_id=f"U{random.randrange(users):06d}", event_time_ms=time_ms, 
        amount=round(random.random() * 500, 2), currency="EUR", risk_score=score,
        probability=score / 1_000, coverage=0.93, action=action,
        tags=["unusual"] if random.random() < 0.004 else [],
        flags=[flag for flag, share in (("AML", 0.004), ("KYC", 0.01), ("PCI", 0.0005)) if random.random() < share],
        summary=f"Score {score}: {reasons[0].text}" if reasons else None, reasons=reasons,
        model=ModelScore(bundle, score / 1_000, -3.25, 0.5),
        rules=RuleScore(7, 100, 40, list(dict.fromkeys(hits)), "calibrated"),
        enrichment="ok", merchant_id=f"M{number % 5_000}", origin=Origin("events", str(number % 8), number),
        features_packed=features, feature_set=feature_set,
    )  # fmt: skip
