"""Guessed mappings and mapping templates."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.column_match import match_columns
from ingest.errors import InputError
from ingest.guess import guess_mapping
from ingest.mapping import parse_mapping
from ingest.synonyms import home_columns
from ingest.targets import TARGETS
from ingest.template import mapping_template
from ingest.time_guess import time_formats
from tests.ingest.conversions import converted


@pytest.mark.parametrize("kind", TARGETS)
def test_the_template_of_every_kind_loads_and_names_every_field(kind: str) -> None:
    text = mapping_template(kind)
    mapping = parse_mapping(text)
    assert mapping.kind == kind
    assert set(mapping.field_names) == set(TARGETS[kind].required)
    assert all(f"{name}: COLUMN" in text for name in TARGETS[kind].field_names)


@pytest.mark.parametrize("kind", TARGETS)
def test_the_template_loads_with_everything_in_it_uncommented(kind: str) -> None:
    text = re.sub(r"(?m)^( *)# (?=[a-z0-9_]+:|  [a-z-])", r"\1", mapping_template(kind))
    assert set(parse_mapping(text).field_names) == set(TARGETS[kind].field_names)


def test_the_template_tells_what_a_mapping_can_do() -> None:
    text = mapping_template("transaction")
    for option in (
        "minor_units",
        "{debit: COLUMN, credit: COLUMN}",
        "start: 2024-01-01",
        "year",
        "epoch_ns",
        "unreadable",
        "escape",
    ):
        assert option in text
    assert "delay_days: 7     # from a transaction to its label" in mapping_template("label")
    assert all(len(line) <= 240 for kind in TARGETS for line in mapping_template(kind).splitlines())


def test_column_names_match_in_any_style() -> None:
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


def test_guessed_mapping_for_card_transactions_is_valid(tmp_path: Path) -> None:
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
        "  delay_days: 7  # assumed: days from the transaction until its label is known\n"
        "  pattern: TX_FRAUD_SCENARIO\n"
        "# Not used: TX_TIME_DAYS\n"
        "# Reads all of the first 1 rows.\n"
    )
    assert parse_mapping(text).kind == "transaction"


CARDS = "\n".join(
    "|".join(row)
    for row in (
        ("", "trans_date_trans_time", "cc_num", "merchant", "category", "amt", "gender", "city", "lat", "long", "dob",
         "trans_num", "unix_time", "merch_lat", "merch_long", "is_fraud"),
        ("0", "2019-01-01 00:00:18", "2703186189652095", "fraud_Rippin, Kub and Mann", "misc_net", "4.97", "F",
         "Moravian Falls", "36.0788", "-81.1781", "1988-03-09", "0b242a", "1325376018", "36.011", "-82.048", "0"),
        ("1", "2019-01-01 00:00:44", "6304239999999999999", 'Café "Zur Post"', "grocery_pos", "107.23", "F",
         "Orient", "48.8878", "-118.2105", "1978-06-21", "1f7652", "1325376044", "49.159", "-118.18", "1"),
    )
)  # fmt: skip


def test_guess_uses_merchant_location_and_encodes_merchant_names(tmp_path: Path) -> None:
    path = tmp_path / "cards.csv"
    path.write_text(CARDS)
    text = guess_mapping(path)
    assert text.splitlines()[1:15] == [
        "kind: transaction",
        "fields:",
        "  transaction_id: trans_num",
        "  user_id: cc_num",
        "  timestamp: {column: unix_time, format: epoch_s}",
        "  amount: amt",
        "  merchant_id: {column: merchant, encode: true}",
        "  merchant_category: category",
        "  latitude: merch_lat",
        "  longitude: merch_long",
        "attributes:",
        "  gender: {column: gender, type: text}",
        "label:",
        "  is_fraud: is_fraud",
    ]
    assert "# Of the user's home, for a mapping of kind user_profile: city, lat, long\n" in text
    assert text.endswith("# Reads all of the first 2 rows.\n")
    result = converted(tmp_path, CARDS, text)
    assert [event["merchant_id"] for event in result.events if event["type"] == "transaction"] == [
        "fraud_Rippin,%20Kub%20and%20Mann",
        'Caf%C3%A9%20"Zur%20Post"',
    ]
    assert [event["user_id"] for event in result.events[:2]] == ["2703186189652095", "6304239999999999999"]


def test_guess_for_users_maps_known_columns_as_attributes(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(
        "ssn|cc_num|gender|city|state|zip|lat|long|city_pop|job|dob\n"
        "1|2703186189652095|F|Moravian Falls|NC|28654|36.0788|-81.1781|3495|Psychologist, counselling|1988-03-09\n"
    )
    text = guess_mapping(path, "user_profile")
    assert text.splitlines()[1:] == [
        "kind: user_profile",
        "fields:",
        "  user_id: cc_num",
        "  home_latitude: lat",
        "  home_longitude: long",
        "  date_of_birth: dob",
        "attributes:",
        "  gender: {column: gender, type: text}",
        "  state: {column: state, type: text}",
        "  city_pop: {column: city_pop, type: number}",
        "  job: {column: job, type: text}",
        "# Not used: ssn, city, zip",
        "# Reads all of the first 1 rows.",
    ]


def test_precomputed_bank_columns_are_recognised() -> None:
    columns = ["distance_from_home", "account_tenure_months", "txn_count_1h"]
    assert match_columns(columns, TARGETS["transaction"].field_names) == {
        "distance_from_home_km": "distance_from_home",
        "account_tenure_months": "account_tenure_months",
        "txns_last_1h": "txn_count_1h",
    }


def test_coordinates_are_the_transactions_without_merchant_coordinates() -> None:
    fields = TARGETS["transaction"].field_names
    columns = ["lat", "long", "city"]
    assert match_columns(columns, fields) == {"latitude": "lat", "longitude": "long", "city": "city"}
    assert home_columns(columns) == []
    assert home_columns([*columns, "merch_lat"]) == columns


def test_filled_columns_rank_before_blank_ones_and_lists_match_list_fields(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table(
        {
            "transaction_id": [1, 2],
            "user_id": pa.nulls(2, pa.int64()),
            "cc_num": [5, 6],
            "timestamp": pa.nulls(2, pa.float64()),
            "unix_time": [1_706_781_600, 1_706_781_601],
            "amount": [[1.0], [2.0]],
            "amt": [1.0, 2.0],
            "city": [{"name": "Orient"}, {"name": "Paris"}],
        }
    )
    pq.write_table(table, path)
    lines = guess_mapping(path).splitlines()
    assert lines[3:7] == [
        "  transaction_id: transaction_id",
        "  user_id: cc_num",
        "  timestamp: {column: unix_time, format: epoch_s}",
        "  amount: amt",
    ]
    assert lines[-2:] == ["# Not used: user_id, timestamp, amount, city", "# Reads all of the first 2 rows."]


def test_guess_comments_on_missing_fields_and_rejected_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"sum": [1.0, -1.0], "date": [1_706_781_600, 1_706_781_601], "client": [1, 2]}), path)
    text = guess_mapping(path)
    assert "  transaction_id: {row_number: true, prefix: tx-}  # no matching column found\n" in text
    assert "  timestamp: {column: date, format: epoch_s}\n" in text
    assert text.endswith(
        "# Rejects 1 of the first 2 rows, for example row 2, column sum: '-1.0', expected a number from 0 to 1000000000000\n"
    )
    pq.write_table(pa.table({"sum": [1.0], "x": [2]}), path)
    text = guess_mapping(path)
    assert (
        "  # user_id: COLUMN  # required, no matching column found; without one, {row_number: true, prefix: user-} makes "
        "each payment a user of its own, without history\n"
    ) in text
    assert text.endswith("# Not usable yet: fields: transaction requires timestamp, user_id\n")


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
        "# Reads all of the first 1 rows.",
    ]


def test_empty_file_cannot_be_guessed(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="is empty: a mapping cannot be guessed"):
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
