"""Seeded events of all types in order of arrival, with late ones and duplicates, as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
USERS = 150
MINUTE_MS = 60_000


def event_lines(count: int, seed: int = 1, users: int = USERS, step_ms: int = MINUTE_MS // 20) -> list[bytes]:
    """`count` lines, `step_ms` of event time from one to the next.

    User by user they hold transactions, logins, account changes and labels.
    """
    random = Random(seed)
    lines: list[bytes] = []
    transactions: list[bytes] = []
    for number in range(count):
        now_ms = START_MS + number * step_ms
        user = f"U{random.randrange(users):05d}"
        drawn = random.random()
        if drawn < 0.02 and transactions:
            lines.append(random.choice(transactions[-50:]))
            continue
        if drawn < 0.06:
            event = _login(random, number, user, now_ms)
        elif drawn < 0.07:
            event = _account_change(random, number, user, now_ms)
        elif drawn < 0.09 and transactions:
            event = _label(random, number, json.loads(random.choice(transactions)), now_ms)
        else:
            event = _transaction(random, number, user, now_ms)
        line = json.dumps(event).encode()
        lines.append(line)
        if "type" not in event:
            transactions.append(line)
    return lines


def write_events(path: Path, lines: list[bytes]) -> Path:
    """The lines as a file whose last line has no end."""
    path.write_bytes(b"\n".join(lines))
    return path


def _transaction(random: Random, number: int, user: str, now_ms: int) -> dict[str, object]:
    late_ms = random.randrange(30 * MINUTE_MS) if random.random() < 0.05 else 0
    event: dict[str, object] = {
        "transaction_id": f"T{number:07d}",
        "user_id": user,
        "timestamp": now_ms - late_ms,
        "amount": round(random.lognormvariate(3.5, 1.2), 2),
        "currency": "USD",
        "merchant_id": f"M{random.randrange(80):03d}",
        "merchant_category": random.choice(["5411", "5812", "5944", "6011"]),
        "merchant_country": random.choice(["US", "US", "US", "NG"]),
        "channel": random.choice(["pos", "ecommerce"]),
    }
    if random.random() < 0.9:
        event["device_id"] = f"D{random.randrange(3)}-{user}"
    if random.random() < 0.7:
        event |= {"latitude": round(random.uniform(40, 41), 4), "longitude": round(random.uniform(-75, -74), 4)}
    return event


def _login(random: Random, number: int, user: str, now_ms: int) -> dict[str, object]:
    return {
        "type": "login", "event_id": f"L{number:07d}", "user_id": user, "timestamp": now_ms,
        "city": random.choice(["Oslo", "Århus"]), "success": random.random() < 0.8,
    }  # fmt: skip


def _account_change(random: Random, number: int, user: str, now_ms: int) -> dict[str, object]:
    return {
        "type": "account_change", "event_id": f"A{number:07d}", "user_id": user, "timestamp": now_ms,
        "old_status": "blocked", "new_status": "active", "audit_user": random.choice(["system", "kim"]),
    }  # fmt: skip


def _label(random: Random, number: int, transaction: dict[str, object], now_ms: int) -> dict[str, object]:
    return {
        "type": "label", "event_id": f"B{number:07d}", "transaction_id": transaction["transaction_id"],
        "user_id": transaction["user_id"], "timestamp": transaction["timestamp"], "known_at": now_ms,
        "is_fraud": random.random() < 0.5, "merchant_id": transaction["merchant_id"],
    }  # fmt: skip
