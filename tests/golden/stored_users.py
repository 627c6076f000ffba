"""What the golden bytes of users' states hold, by field (udfs/core/src/state/{entries,snapshot}.rs)."""

from __future__ import annotations

from typing import Any

DAY = 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
TODAY = START // DAY
HOUR = START // 3_600_000

FULL_TRANSACTION: dict[str, Any] = {
    "kind": "transaction", "sequence": 70_000, "transaction_id": "~T-1!", "timestamp_ms": START,
    "remembered_ms": START + DAY, "late": False, "minor": 10**16, "refund": True, "declined": True, "night": True,
    "merchant_id": "M1", "category": "6011", "device_id": "D1", "country": "DE", "city": "Köln 😀",
    "ip_address": "2001:db8::1", "beneficiary_id": "B1", "latitude": -52.52, "longitude": 179.999, "answer": None,
}  # fmt: skip
BARE_TRANSACTION: dict[str, Any] = {
    **dict.fromkeys(FULL_TRANSACTION), "kind": "transaction", "sequence": 1, "transaction_id": "1", "timestamp_ms": 0,
    "remembered_ms": 0, "late": True, "minor": 0, "refund": False, "declined": False, "night": False,
}  # fmt: skip
LOGIN: dict[str, Any] = {
    "kind": "login", "sequence": 2, "event_id": "E1", "timestamp_ms": START, "remembered_ms": START + 1, "success": False,
    "device_id": "D1", "city": "Rome",
}  # fmt: skip
BARE_LOGIN: dict[str, Any] = {
    "kind": "login", "sequence": 3, "event_id": "E2", "timestamp_ms": START, "remembered_ms": START, "success": None,
    "device_id": None, "city": None,
}  # fmt: skip
ACCOUNT = {
    "kind": "account", "sequence": 4, "event_id": "C1", "timestamp_ms": START, "remembered_ms": START, "unblocked": True,
    "verified": None,
}  # fmt: skip
ENTRIES: dict[str, dict[str, Any]] = {
    "entry_1_transaction": FULL_TRANSACTION,
    "entry_1_transaction_bare": BARE_TRANSACTION,
    "entry_1_transaction_answered": {**FULL_TRANSACTION, "answer": ("soft_challenge", 731)},
    "entry_1_transaction_unanswered": BARE_TRANSACTION,
    "entry_2_login": LOGIN,
    "entry_2_login_bare": BARE_LOGIN,
    "entry_3_account": ACCOUNT,
    "entry_3_account_verified": {**ACCOUNT, "verified": False},
    "entry_4_label": {
        "kind": "label", "sequence": 5, "transaction_id": "T1", "known_at_ms": START + 7 * DAY, "is_fraud": True,
    },
    "entry_5_zone": {"kind": "zone", "sequence": 6, "timezone": "Asia/Kolkata"},
    "entry_5_zone_none": {"kind": "zone", "sequence": 7, "timezone": None},
    "entry_6_flags": {"kind": "flags", "sequence": 8, "day": TODAY, "kinds": ["AML", "KYC"]},
}  # fmt: skip

EMPTY_1: dict[str, Any] = {
    "sequence": 0, "newest_ms": -1, "timezone": None, "before": None, "lifetime": (0, 0, 0), "peak": 0, "first_ms": -1,
    "night_count": 0, "newest_day": -1, "days": {}, "devices": {}, "countries": {}, "cities": {}, "merchants": {},
    "categories": {}, "ip_addresses": {}, "beneficiaries": {}, "category_spend": {}, "category_total": 0,
    "merchant_dealings": {}, "logins": [], "unblocked_ms": [], "labels": {}, "flag_days": {},
    "limited_ms": -1, "verifications": [], "hours": {}, "hours_complete_from": 0,
}  # fmt: skip
FULL_1: dict[str, Any] = {
    **EMPTY_1, "sequence": 70_001, "newest_ms": START + DAY, "before": FULL_TRANSACTION,
    "lifetime": (3, 3 * 10**16, 3 * 10**32), "peak": 10**16, "first_ms": START - 400 * DAY, "night_count": 2,
    "newest_day": TODAY, "days": {TODAY - 1: (1, 5, 25), TODAY: (2, 10**16, 10**32 + 7)},
    "devices": {"D1": START, "D2": 0}, "countries": {"DE": START}, "cities": {"Köln 😀": START},
    "merchants": {"M2": START, "M1": START + 1}, "categories": {"6011": START}, "ip_addresses": {"2001:db8::1": START},
    "beneficiaries": {"B1": START}, "logins": [LOGIN, BARE_LOGIN], "unblocked_ms": [START - DAY, START],
    "labels": {"T1": (START + 7 * DAY, True), "T0": (START, False)}, "hours_complete_from": HOUR + 25,
}  # fmt: skip
"""Every part of a user, with squares of more than 64 bits."""
FULL_2 = {**FULL_1, "timezone": "Asia/Kolkata"}
FULL_3 = {
    **FULL_2, "category_spend": {"6011": (3, 10**20)}, "category_total": 10**20,
    "merchant_dealings": {"M2": (10**20, 7, 1), "M1": (5, 0, 0)},
    "flag_days": {"AML": (TODAY, 0b101), "PCI": (TODAY - 1, 1)},
}  # fmt: skip
FULL_4 = {**FULL_3, "limited_ms": START + DAY - 1, "verifications": [(START - DAY, False), (START, True)]}
FULL_5 = {**FULL_4, "hours": {HOUR: (2, 10**16), HOUR + 24: (1, 5)}, "hours_complete_from": 490_000}
SNAPSHOTS = {
    "snapshot_1_full": FULL_1,
    "snapshot_1_empty": EMPTY_1,
    "snapshot_2_full": FULL_2,
    "snapshot_3_full": FULL_3,
    "snapshot_3_empty": EMPTY_1,
    "snapshot_4_full": FULL_4,
    "snapshot_4_empty": EMPTY_1,
    "snapshot_5_full": FULL_5,
    "snapshot_5_empty": EMPTY_1,
}
