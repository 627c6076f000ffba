"""Random streams of events: everything that a user's state can meet, from one seed."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.core.learners import Arrived
from udfs.core._native import EntityHistory
from udfs.entities.buckets import KINDS, BucketRow, BucketSettings, EntityKind
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.port import HISTORY, Record

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Nowhere/Atall", "UTC", "")
CHANNELS = ("pos", "ATM", " Online ", "Bank-Transfer", "kiosk", "Mag", "app")
CATEGORIES = ("5411", "6011", "5944", "5812", 7995)
CURRENCIES = ("USD", "USD", "EUR", "JPY", "KWD")


class Stream:
    """Events of a few users over some weeks, mostly in order."""

    def __init__(self, seed: int, users: int = 6) -> None:
        self.random = random.Random(seed)
        self.users = [f"U{number}" for number in range(users)]
        self.now = START
        self.sent: list[Arrived] = []
        self.number = 0

    def batch(self, size: int) -> list[Arrived]:
        return [self.record() for _ in range(size)]

    def record(self) -> Arrived:
        chance = self.random.random()
        if self.sent and chance < 0.04:
            return self.random.choice(self.sent[-60:])
        step = self.random.choice((0, 1, 20 * SECOND, 4 * MINUTE, 50 * MINUTE))
        if chance > 0.995:
            step = self.random.choice((DAY, 3 * DAY, 9 * DAY))
        self.now += step
        self.number += 1
        user = self.random.choice(self.users)
        kind = self.random.choices(
            (self.transaction, self.login, self.change, self.label, self.junk), (80, 8, 3, 6, 1)
        )[0]
        fields = kind(user)
        payload = (
            fields
            if isinstance(fields, bytes)
            else json.dumps(fields, ensure_ascii=self.random.random() < 0.5).encode()
        )
        arrived = (user, payload, self.random.choice((None, self.now + 40 * DAY)))
        self.sent.append(arrived)
        return arrived

    def time(self) -> int:
        """Mostly now; sometimes minutes, hours or days late."""
        late = self.random.choices(
            (0, 2 * MINUTE, 50 * MINUTE, 20 * HOUR, DAY, DAY + 1, 40 * HOUR, 5 * DAY), (70, 8, 6, 6, 2, 2, 3, 3)
        )[0]
        return self.now - (self.random.randrange(late + 1) if self.random.random() < 0.5 else late)

    def transaction(self, user: str) -> dict[str, Any]:
        some = self.random.random
        fields: dict[str, Any] = {
            "transaction_id": self.random.choice((f"T{self.number}", self.number, f"T{self.random.randrange(40)}")),
            "user_id": user,
            "timestamp": self.time(),
            "amount": self.random.choice(
                (0, 0.005, 0.125, 5, 100, 12_345.675, round(self.random.lognormvariate(3, 1.5), 2), 2e5)
            ),
        }
        for name, values in {
            "currency": CURRENCIES,
            "kind": ("purchase", "Refund", "reversal"),
            "auth_result": ("approved", " DECLINED"),
            "merchant_id": [f"M{n}" for n in range(90)],
            "merchant_category": CATEGORIES,
            "merchant_country": ("DE", "FR", ""),
            "channel": CHANNELS,
            "entry_mode": ("chip", "Swipe", "tap", "odd"),
            "device_id": [f"D{n}" for n in range(20)],
            "session_id": ("S1",),
            "card_id": ("4111110000", "tok_1", "55"),
            "ip_address": [f"10.0.0.{n}" for n in range(20)],
            "city": ("Köln", "Bonn", "", "Lyon 😀", "Rome"),
            "country": ("DE", "IT", "FR", "ES"),
            "otp_used": (True, False),
            "beneficiary_id": [f"U{n}" for n in range(40)],
            "email_domain": ("a.example", "b.example"),
            "distance_from_home_km": (0, 12.5),
            "account_tenure_months": (0, 7.5),
            "txns_last_1h": (0, 3),
        }.items():
            if some() < 0.6:
                fields[name] = self.random.choice(values)
            elif some() < 0.1 and name != "kind":
                fields[name] = None
        if some() < 0.5:
            fields["latitude"], fields["longitude"] = self.random.uniform(-89, 89), self.random.uniform(-179, 179)
        if some() < 0.3:
            fields["attributes"] = {
                "job": self.random.choice((" clerk ", "", 5, 5.5, True, None)),
                "size": self.random.choice((1, 2.5, "x")),
            }
        if some() < 0.1:
            fields["type"] = "transaction"
        return fields

    def login(self, user: str) -> dict[str, Any]:
        return {
            "type": "login",
            "event_id": f"E{self.random.randrange(300)}",
            "user_id": user,
            "timestamp": self.time(),
            "success": self.random.choice((True, False, False, None)),
            "device_id": self.random.choice(("D1", "D2", None)),
            "city": self.random.choice(("Köln", "Rome", None)),
        }

    def change(self, user: str) -> dict[str, Any]:
        return {
            "event_id": self.random.choice((f"E{self.random.randrange(99)}", "C1")),
            "user_id": user,
            "timestamp": self.time(),
            "old_status": self.random.choice(("Blocked", "active", None)),
            "new_status": self.random.choice(("active", "FROZEN", None)),
            "audit_user": self.random.choice(("anna", " System", "", None)),
            "type": "account_change",
        }

    def label(self, user: str) -> dict[str, Any]:
        time = self.time()
        return {
            "type": "label",
            "event_id": "L",
            "transaction_id": f"T{self.random.randrange(self.number + 1)}",
            "user_id": user,
            "timestamp": time,
            "known_at": time + self.random.randrange(8 * DAY),
            "is_fraud": self.random.random() < 0.5,
        }

    def junk(self, user: str) -> bytes:
        return self.random.choice(
            (
                b"",
                b"{",
                b"\xff",
                b"[]",
                b'{"type":"teapot"}',
                b'{"transaction_id":"T 1","user_id":"U1","timestamp":1,"amount":1}',
                b'{"transaction_id":"T1","user_id":"U9","timestamp":1,"amount":1}',
                b'{"transaction_id":1e3}',
                f'{{"transaction_id":"T{self.number}","user_id":"{user}","timestamp":{self.now},"amount":1e999}}'.encode(),
                f'{{"transaction_id":12345678901234567890,"user_id":"{user}","timestamp":{self.now},"amount":1,"city":"\\u00e9"}}'.encode(),
                (
                    f'{{"transaction_id":"T{self.number}","user_id":"{user}",'
                    '"timestamp":"2026-02-01 10:00:00.1234567Z","amount":1}'
                ).encode(),
            )
        )


def reference(seed: int, buckets: BucketSettings, users: int = 6) -> dict[str, Record]:
    """Profiles, feeds and histories of some of whom the stream names."""
    chance = random.Random(seed)
    some = chance.random
    records: dict[str, Record] = {}
    for number in range(users - 1):
        records[f"user:U{number}"] = UserProfile(
            user_id=f"U{number}",
            home_country=chance.choice(("DE", "IT", None)),
            timezone=chance.choice(ZONES),
            home_latitude=50.0 if some() < 0.5 else None,
            home_longitude=7.0,
            kyc_level=chance.choice((0, 1, 2, None)),
            account_opened_at=START - chance.randrange(900) * DAY,
            date_of_birth=-5 * 365 * DAY,
            credit_limit=chance.choice((0.0, 2_500.0, None)),
            avg_monthly_spend=chance.choice((800.1, None)),
            is_vip=chance.choice((True, False, None)),
            prior_fraud_count=chance.choice((0, 2, None)),
            last_unblocked_at=START + 3 * DAY if some() < 0.5 else None,
            attributes={"tier": chance.choice(("gold", 3.0))},
        )
    for number in range(0, 90, 2):
        records[f"merchant:M{number}"] = MerchantProfile(
            merchant_id=f"M{number}", first_seen_at=START - DAY if some() < 0.5 else None
        )
    for number in range(0, 20, 3):
        records[f"device:D{number}"] = DeviceProfile(
            device_id=f"D{number}", blacklisted=some() < 0.2, registered_at=START - DAY
        )
        records[f"ip:10.0.0.{number}"] = IpFeed(
            ip_address=f"10.0.0.{number}", ip_risk_score=chance.choice((99.0, 5.0, None)), vpn=some() < 0.3
        )
    records["domain:a.example"] = DomainFeed(email_domain="a.example", registered_at=START - 400 * DAY)
    names: dict[EntityKind, tuple[str, ...]] = {
        "merchant": tuple(f"M{n}" for n in range(0, 90, 3)),
        "device": ("D1", "D2", "D3"),
        "ip": ("10.0.0.1",),
        "beneficiary": ("U1", "U2", "U9"),
        "category": ("5411", "6011", "5944"),
        "channel": ("pos", "atm", "online"),
        "entry_mode": ("chip", "magstripe"),
        "merchant_country": ("DE",),
        "city": ("Köln", "Rome"),
        "category_hour": tuple(f"5411|{hour}" for hour in range(24)),
        "category_channel": ("5411|pos", "6011|kiosk"),
        "bin": ("411111",),
        "attribute": ("job=clerk", "job=5", "tier=gold"),
    }
    assert tuple(sorted(names)) == tuple(sorted(KINDS))
    for kind, ids in names.items():
        for entity in ids:
            records[HISTORY[kind] + entity] = EntityHistory(row_of(chance, kind, entity), buckets)
    return records


def row_of(chance: random.Random, kind: EntityKind, entity: str) -> BucketRow:
    """Buckets over some months, some of them of an earlier version."""
    first = START // HOUR - 60 * 24
    hours = sorted(chance.sample(range(first, first + 100 * 24), chance.choice((0, 1, 5, 400, 1500))))
    size, old = len(hours), chance.random() < 0.2
    transactions = [chance.randrange(20) for _ in hours]
    frauds = [chance.choice((0, 0, 0, 1, 2)) for _ in hours]

    def changes() -> list[int]:
        """Of a number that is never negative."""
        level, found = 0, []
        for _ in hours:
            step = chance.randrange(-min(level, 3), 5)
            level += step
            found.append(step)
        return found

    broad = kind not in ("merchant", "device", "beneficiary", "ip")
    logarithms = [chance.randrange(9_000_000) * count for count in transactions]
    return BucketRow(
        entity=kind,
        id=entity,
        complete_through_ms=START + chance.choice((0, 20, 400)) * DAY,
        first_hour=hours[0] if hours else None,
        hours=hours,
        transactions=transactions,
        frauds=frauds,
        users_1d=[] if broad else changes(),
        users_7d=[] if broad else changes(),
        withdrawn=[(chance.choice(hours), chance.choice(hours) + 30) for _ in range(chance.randrange(4))]
        if size
        else [],
        amounts=[] if old else [chance.randrange(10**9) for _ in hours],
        reported=[] if old else changes(),
        log_amounts=logarithms if kind == "category" else [],
        log_amount_squares=[value * 5 for value in logarithms] if kind == "category" else [],
        figures_from_hour=chance.choice((0, 0, first + 30 * 24)),
    )


BLOCKED = (
    BlockEntry(type="user", value="U3", reason_code="fraud", expires_at=START + 5 * DAY),
    BlockEntry(type="device", value="D4"),
    BlockEntry(type="merchant", value="M7", reason_code="EU_SANCTIONS"),
    BlockEntry(type="card", value="tok_1", expires_at=START),
    BlockEntry(type="ip", value="10.0.0.5"),
)
