"""Every row of the tables in public layouts, converted by the guess: each value, label and truth, in order of arrival."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conversions import DAY_MS
from tests.ingest.test_guess_public_layouts import EXPECTED, by_the_guess

GENERATED = re.compile(r"(tx|user)-([0-9]+)-[0-9a-f]{8}")
"""Ids by row number; the rest of one is a digest of the row."""
DELAY_MS = 7 * DAY_MS
Fields = dict[str, Any]


def row(time: str, amount: float, fraud: bool | None = None, **fields: Any) -> tuple[Fields, bool | None]:
    """A transaction and its outcome."""
    timestamp = round(datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp() * 1000)
    return {"type": "transaction", "timestamp": timestamp, "amount": amount, **fields}, fraud


def of(transaction_id: str, user_id: str, **attributes: Any) -> Fields:
    ids: Fields = {"transaction_id": transaction_id, "user_id": user_id}
    return ids | ({"attributes": attributes} if attributes else {})


# In order of arrival.
ROWS: dict[str, list[tuple[Fields, bool | None]]] = {
    "Sparkov": [
        row("2012-01-01T00:00:18", 4.97, False, **of(
                "0b242abb623afc578575680df30655b9", "2703186189652095", gender="F", state="NC", city_pop=3495.0,
                job="Psychologist, counselling"),
            merchant_id="fraud_Rippin,%20Kub%20and%20Mann", merchant_category="misc_net",
            latitude=36.011293, longitude=-82.048315),
    ],
    "PaySim": [
        row("2024-01-01T01:00", 9839.64, False, beneficiary_id="M1979787155", **of(
            "tx-1", "C1231006815", transaction_type="PAYMENT", balance_before=170136.0, receiver_balance_before=0.0)),
        row("2024-01-01T01:00", 181.0, True, beneficiary_id="C553264065", **of(
            "tx-2", "C1305486145", transaction_type="TRANSFER", balance_before=181.0, receiver_balance_before=0.0)),
        row("2024-01-01T02:00", 181.0, True, beneficiary_id="C38997010", **of(
            "tx-3", "C840083671", transaction_type="CASH_OUT", balance_before=181.0, receiver_balance_before=21182.0)),
    ],
    "IEEE-CIS": [
        row("2024-01-02T00:00:00", 68.5, False, **of(
            "2987000", "13926", product="W", card_brand="discover", card_type="credit", billing_region="315.0",
            billing_country="87.0", distance=19.0)),
        row("2024-01-02T00:00:01", 29.0, False, email_domain="gmail.com", **of(
            "2987001", "2755", product="W", card_brand="mastercard", card_type="credit", billing_region="325.0",
            billing_country="87.0")),
        row("2024-01-02T00:02:29", 75.887, True, email_domain="gmail.com", **of(
            "2987010", "16496", product="C", card_brand="mastercard", card_type="credit",
            receiver_email_domain="gmail.com")),
    ],
    "ULB": [
        row("2024-01-01T00:00:00", 149.62, False, **of("tx-1", "user-1")),
        row("2024-01-01T00:00:01", 2.69, False, **of("tx-2", "user-2")),
        row("2024-01-01T00:06:46", 0.0, True, **of("tx-3", "user-3")),
    ],
    "BankSim": [
        row("2024-01-01", 4.55, False, merchant_id="M348934600", merchant_category="es_transportation",
            **of("tx-1", "C1093826151", age=4.0, gender="M")),
        row("2024-01-01", 39.68, False, merchant_id="M348934600", merchant_category="es_transportation",
            **of("tx-2", "C352968107", age=2.0, gender="M")),
        row("2024-01-02", 26.89, True, merchant_id="M1823072687", merchant_category="es_sportsandtoys",
            **of("tx-3", "C2054744914", age=4.0, gender="F")),
    ],
    "TabFormer": [
        row("2002-09-01T06:21", 134.09, False, **of("tx-1", "0", merchant_state="CA"), merchant_id="3527213246127876953",
            merchant_category="5300", entry_mode="magstripe", card_id="0-0", city="La Verne"),
        row("2002-09-01T06:42", 38.48, False, **of("tx-2", "0", merchant_state="CA"), merchant_id="-727612092139916043",
            merchant_category="5411", entry_mode="magstripe", card_id="0-0", city="Monterey Park"),
        row("2019-12-13T23:05", 99.0, True, **of("tx-3", "1"), merchant_id="5817218446178736267",
            merchant_category="4784", entry_mode="online", card_id="1-2", city="ONLINE", kind="refund"),
    ],
    "IBM AML": [
        row("2022-09-01T00:20", 3697.34, False, currency="USD", beneficiary_id="8000EBD30", **of(
            "tx-1", "8000EBD30", from_bank="010", to_bank="010", payment_format="Reinvestment")),
        row("2022-09-01T00:21", 0.02, True, currency="EUR", beneficiary_id="8000F5340", **of(
            "tx-2", "8000F4580", from_bank="03208", to_bank="01", payment_format="Cheque")),
    ],
    "UPI transfers": [
        row("2024-06-19T06:04:49", 8404.55, currency="INR", auth_result="approved", beneficiary_id="7683454560@okaxis",
            **of("099ee548-2fc1-4811-bf92-559c467ca792", "8908837379@okaxis")),
        row("2024-06-22T04:06:38", 3907.34, currency="INR", auth_result="declined", beneficiary_id="7776849307@okybl",
            **of("4d3db980-46cd-4158-a812-dcb77055d0d2", "4161803452@okaxis")),
    ],
    "UPI with labels": [
        row("2024-04-11T06:56:00", 1011.0, True, currency="INR", auth_result="approved", merchant_category="Grocery", **of(
            "TXN0000000002", "user-2", transaction_type="P2M", state="Uttar Pradesh", from_bank="ICICI", to_bank="Axis",
            device_type="iOS", network_type="4G")),
        row("2024-10-08T15:17:28", 868.0, False, currency="INR", auth_result="approved", merchant_category="Entertainment",
            **of("TXN0000000001", "user-1", transaction_type="P2P", state="Delhi", from_bank="Axis", to_bank="SBI",
                 device_type="Android", network_type="4G")),
    ],
    "Handbook": [
        row("2018-04-01T00:00:31", 57.16, False, merchant_id="3156", **of("0", "596")),
        row("2018-04-01T00:02:10", 81.51, True, merchant_id="3412", **of("1", "4961")),
    ],
    "BAF": [
        row("2024-01-01", 1500.0, False, **of(
            "tx-2", "user-2", income=0.9, age=50.0, payment_type="AB", employment_status="CA", credit_score=259.0,
            housing_status="BA", device_os="windows")),
        row("2024-08-01", 500.0, True, **of(
            "tx-1", "user-1", income=0.9, age=50.0, payment_type="AA", employment_status="CA", credit_score=185.0,
            housing_status="BA", device_os="windows")),
    ],
    "Bank customers": [
        row("2016-08-02T04:18:58", 27999.0, currency="INR", **of("T2", "C2142763", gender="M", account_balance=2270.69)),
        row("2016-08-02T14:32:07", 25.0, currency="INR", **of("T1", "C5841053", gender="F", account_balance=17819.05)),
        row("2016-09-21T14:18:58", 27999.0, currency="INR", **of("T3", "C2142763", gender="M", account_balance=2270.69)),
    ],
    "Bank accounts": [
        row("2023-04-11T16:29:14", 14.09, merchant_id="M015", channel="atm", device_id="D000380",
            ip_address="162.198.218.92", city="San Diego", **of(
                "TX000001", "AC00128", transaction_type="Debit", age=70.0, job="Doctor", login_attempts=1.0,
                account_balance=5112.21)),
        row("2023-06-27T16:44:19", 376.24, merchant_id="M052", channel="online", device_id="D000051",
            ip_address="13.149.61.4", city="Houston", **of(
                "TX000002", "AC00455", transaction_type="Credit", age=68.0, job="Doctor", login_attempts=1.0,
                account_balance=13758.91)),
    ],
    "MoMTSim": [
        row("2024-01-01T00:00", 12.5, False, beneficiary_id="6465-001", **of(
            "tx-1", "4537027967639631", transaction_type="PAYMENT")),
        row("2024-01-02T01:00", 80.0, True, beneficiary_id="4680102210937163", **of(
            "tx-2", "4537027967639631", transaction_type="TRANSFER")),
    ],
    "AMLSim": [
        row("2017-01-01", 100.55, False, beneficiary_id="6", **of("1", "5", transaction_type="TRANSFER")),
        row("2017-01-02", 99.1, True, beneficiary_id="6", **of("2", "7", transaction_type="TRANSFER")),
    ],
    "UPI fraud": [
        row("2022-01-01T00:00", 66.21, False, merchant_category="12", **of("0", "9957000001", age=54.0, state="22")),
        row("2022-02-28T13:00", 55.81, True, merchant_category="3", **of("1", "9957000002", age=15.0, state="14")),
    ],
}  # fmt: skip
PATTERNS = {("Handbook", "1"): "2"}
"""Of the truth, by layout and transaction."""


def plain(record: Fields) -> Fields:
    """Without the digests of generated ids."""
    return {name: GENERATED.sub(r"\1-\2", value) if isinstance(value, str) else value for name, value in record.items()}


def label_of(transaction: Fields, is_fraud: bool) -> Fields:
    shared = {name: transaction[name] for name in ("transaction_id", "user_id", "timestamp")}
    merchant = {"merchant_id": transaction["merchant_id"]} if "merchant_id" in transaction else {}
    event_id = f"label:{transaction['transaction_id']}"
    known_at = transaction["timestamp"] + DELAY_MS
    return {"type": "label", "event_id": event_id, **shared, "known_at": known_at, "is_fraud": is_fraud, **merchant}


def test_every_public_layout_has_its_rows() -> None:
    assert set(ROWS) == set(EXPECTED)
    assert {name: len(rows) for name, rows in ROWS.items()} == {
        name: len(table.splitlines()) - 1 for name, (table, *_) in EXPECTED.items()
    }


@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_a_public_layout_is_converted_value_by_value(name: str, tmp_path: Path) -> None:
    table, edit, _, _ = EXPECTED[name]
    result = by_the_guess(tmp_path, table, edit)
    events = [plain(event) for event in result.events]
    assert [event for event in events if event["type"] == "transaction"] == [
        transaction for transaction, _ in ROWS[name]
    ]
    labels = [label_of(transaction, fraud) for transaction, fraud in ROWS[name] if fraud is not None]
    assert [event for event in events if event["type"] == "label"] == labels
    assert [plain(line) for line in result.lines("truth.jsonl")] == [
        {
            **{key: transaction[key] for key in ("transaction_id", "user_id", "timestamp", "amount")},
            "is_fraud": fraud,
            "pattern": PATTERNS.get((name, transaction["transaction_id"])),
        }
        for transaction, fraud in ROWS[name]
        if fraud is not None
    ]
    ids = [event["transaction_id"] for event in result.events if event["type"] == "transaction"]
    assert len(set(ids)) == len(ids)
    assert (result.errors, result.lines("dropped.jsonl")) == ([], [])
