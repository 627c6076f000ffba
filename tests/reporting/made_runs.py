"""Builders of run directories: decisions, alerts and truth, encoded as the job encodes them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from udfs.records.outputs import (
    Alert,
    DeadLetter,
    Decision,
    Duplicate,
    FlagNotice,
    ModelScore,
    Origin,
    Reason,
    RuleScore,
)

DAY_MS = 86_400_000
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def decision(number: int, **changes: Any) -> Decision:
    """Transaction T<number> of user U<number % 5>, allowed, unless changed.

    `model_probability`, `rule_score`, `points` and `hits` go where they belong; `probability` is risk_score / 1000.
    """
    hits = changes.pop("hits", [])
    bundle = changes.pop("bundle", "test-1")
    model = ModelScore(bundle, changes.pop("model_probability", 0.01), -3.0, 0.1)
    rules = RuleScore(changes.pop("rules_version", 1), changes.pop("rule_score", 0), changes.pop("points", 0), hits)
    fields: dict[str, Any] = {
        "decision_id": f"D{number}",
        "transaction_id": f"T{number}",
        "user_id": f"U{number % 5}",
        "event_time_ms": START_MS + number * 60_000,
        "amount": 10.0,
        "currency": "EUR",
        "risk_score": 10,
        "probability": changes.get("risk_score", 10) / 1000,
        "coverage": 1.0,
        "action": "allow",
        "tags": [],
        "flags": [],
        "summary": None,
        "reasons": [Reason("rule", name, f"because of {name}", 10.0) for name in hits],
        "model": model,
        "rules": rules,
        "enrichment": "ok",
    }
    return Decision(**(fields | changes))


def alert_of(made: Decision) -> Alert:
    """The alert of a decision, as the scorer emits it."""
    return Alert(
        alert_id=made.decision_id,
        user_id=made.user_id,
        event_time_ms=made.event_time_ms,
        action=made.action,
        risk_score=made.risk_score,
        flags=made.flags,
        reasons=[reason.text for reason in made.reasons],
        tags=made.tags,
        summary=made.summary,
        transaction_id=made.transaction_id,
        amount=made.amount,
        currency=made.currency,
        merchant_id=made.merchant_id,
    )


def flag_notice_of(made: Decision) -> FlagNotice:
    """The flag notice of a decision, as the scorer emits it for the first of the day."""
    return FlagNotice(
        flag_id=made.decision_id,
        user_id=made.user_id,
        event_time_ms=made.event_time_ms,
        flags=made.flags,
        reasons=[],
        transaction_id=made.transaction_id,
    )


def duplicate_of(made: Decision) -> Duplicate:
    return Duplicate(
        decision_id=made.decision_id,
        transaction_id=made.transaction_id,
        user_id=made.user_id,
        event_time_ms=made.event_time_ms,
    )


def dead_letter(reason: str, payload: bytes = b"{}") -> DeadLetter:
    return DeadLetter(
        reason=reason,
        payload=payload,
        payload_sha256=hashlib.sha256(payload).hexdigest(),
        origin=Origin("events.jsonl"),
    )


def truth_of(made: Decision, is_fraud: bool, pattern: str | None = None) -> dict[str, Any]:
    return {
        "transaction_id": made.transaction_id,
        "user_id": made.user_id,
        "timestamp": made.event_time_ms,
        "amount": made.amount,
        "is_fraud": is_fraud,
        "pattern": pattern,
    }


def write_lines(path: Path, records: list[Any]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))


def write_run(
    directory: Path,
    decisions: list[Decision | Duplicate],
    truth: list[Any] | None = None,
    dead_letters: list[DeadLetter] | None = None,
    more_alerts: list[Alert] | None = None,
    more_flags: list[FlagNotice] | None = None,
    facts: dict[str, Any] | None = None,
) -> Path:
    """Write a run directory; alerts and flags are those of the decisions, and the given further ones."""
    directory.mkdir(parents=True, exist_ok=True)
    made_decisions = [made for made in decisions if isinstance(made, Decision)]
    alerts = [alert_of(made) for made in made_decisions if made.action != "allow"]
    flags = [flag_notice_of(made) for made in made_decisions if made.action == "allow" and made.flags]
    write_lines(directory / "decisions.jsonl", decisions)
    write_lines(directory / "alerts.jsonl", alerts + (more_alerts or []))
    write_lines(directory / "flags.jsonl", flags + (more_flags or []))
    write_lines(directory / "dead_letters.jsonl", dead_letters or [])
    if truth is not None:
        write_lines(directory / "truth.jsonl", truth)
    if facts is not None:
        (directory / "run.json").write_text(json.dumps(facts))
    return directory
