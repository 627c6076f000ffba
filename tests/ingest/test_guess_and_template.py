"""The proposals that a user starts from."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import InputError
from ingest.guess import guess_mapping, match_columns
from ingest.mapping import parse_mapping
from ingest.targets import TARGETS
from ingest.template import mapping_template
from ingest.time_guess import time_formats


@pytest.mark.parametrize("kind", TARGETS)
def test_the_template_of_every_kind_loads_and_names_every_field(kind: str) -> None:
    text = mapping_template(kind)
    mapping = parse_mapping(text)
    assert mapping.kind == kind
    assert set(mapping.field_names) == set(TARGETS[kind].required)
    assert all(f"{name}: COLUMN" in text for name in TARGETS[kind].field_names)


@pytest.mark.parametrize("kind", TARGETS)
def test_the_template_loads_with_everything_in_it_uncommented(kind: str) -> None:
    text = re.sub(r"(?m)^( *)# (?=[a-z_]+:|  [a-z-])", r"\1", mapping_template(kind))
    assert set(parse_mapping(text).field_names) == set(TARGETS[kind].field_names)


def test_names_are_matched_whatever_their_style() -> None:
    columns = ["TX_AMOUNT", "customerId", "Transaction ID", "tx-datetime", "TERMINAL_ID", "lat", "unheard_of"]
    fields = TARGETS["transaction"].field_names
    assert match_columns(columns, fields) == {
        "transaction_id": "Transaction ID",
        "user_id": "customerId",
        "timestamp": "tx-datetime",
        "amount": "TX_AMOUNT",
        "merchant_id": "TERMINAL_ID",
        "latitude": "lat",
    }


def test_a_guess_for_card_transactions_is_a_mapping_that_works(tmp_path: Path) -> None:
    path = tmp_path / "cards.csv"
    path.write_text(
        "TRANSACTION_ID;TX_DATETIME;CUSTOMER_ID;TERMINAL_ID;TX_AMOUNT;TX_TIME_DAYS;TX_FRAUD;TX_FRAUD_SCENARIO\n"
        "1;31.01.2024 10:00:00;17;5;1.057,16;0;0;0\n"
    )
    text = guess_mapping(path)
    assert text == (
        "# Guessed from the names and the first rows of cards.csv: check every line.\n"
        "kind: transaction\n"
        'decimal: ","\n'
        'thousands: "."\n'
        "fields:\n"
        "  transaction_id: TRANSACTION_ID\n"
        "  user_id: CUSTOMER_ID\n"
        "  timestamp: {column: TX_DATETIME, format: '%d.%m.%Y %H:%M:%S'}\n"
        "  amount: TX_AMOUNT\n"
        "  merchant_id: TERMINAL_ID\n"
        "label:\n"
        "  is_fraud: TX_FRAUD\n"
        "  delay_days: 7  # assumed: how long after its transaction a label is known\n"
        "  pattern: TX_FRAUD_SCENARIO\n"
        "# Not used: TX_TIME_DAYS\n"
        "# It reads all of the first 1 rows.\n"
    )
    assert parse_mapping(text).kind == "transaction"


def test_a_guess_says_what_is_missing_and_what_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"sum": [1.0, -1.0], "date": [1_706_781_600, 1_706_781_601], "client": [1, 2]}), path)
    text = guess_mapping(path)
    assert "  transaction_id: {row_number: true, prefix: tx-}  # no column looks like one\n" in text
    assert "  timestamp: {column: date, format: epoch_s}\n" in text
    assert text.endswith(
        "# It rejects 1 of the first 2 rows, as row 2, column sum: '-1.0', expected a number from 0 to 1000000000000\n"
    )
    pq.write_table(pa.table({"sum": [1.0], "x": [2]}), path)
    text = guess_mapping(path)
    assert "  # user_id: COLUMN  # required, and no column looks like it\n" in text
    assert text.endswith("# Not usable yet: fields: transaction needs timestamp, user_id too\n")


def test_a_guess_for_profiles(tmp_path: Path) -> None:
    path = tmp_path / "u.jsonl"
    path.write_text('{"customer_id": 1, "dob": "31/01/1950", "KYC Level": 2, "address_history": "[]"}\n')
    assert guess_mapping(path, "user_profile").splitlines()[1:] == [
        "kind: user_profile",
        "fields:",
        "  user_id: customer_id",
        "  kyc_level: KYC Level",
        "  date_of_birth: {column: dob, format: '%d/%m/%Y'}",
        "nested:",
        '  - {column: address_history, into: address_history, type: "list[text]"}',
        "# It reads all of the first 1 rows.",
    ]


def test_nothing_cannot_be_guessed_from(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="is empty: there is nothing to guess from"):
        guess_mapping(tmp_path / "empty.jsonl")


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["2024-02-01T10:00:00Z"], ["iso"]),
        ([1_706_781_600, "1706781600"], ["epoch_s"]),
        ([1_706_781_600_000], ["epoch_ms"]),
        ([1_706_781_600_000_000], ["epoch_us"]),
        (["31/01/2024 10:00:00"], ["%d/%m/%Y %H:%M:%S"]),
        (["01/02/2024"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["01/02/2024", "01/13/2024"], ["%m/%d/%Y"]),
        (["noon"], []),
    ],
)
def test_time_formats_by_sample(values: list[object], formats: list[str]) -> None:
    assert time_formats(values) == formats
