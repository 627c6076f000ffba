"""Guessed mappings of well-known public data sets: each value of a made-up table of their columns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.convert import command
from ingest.errors import InputError
from ingest.guess import guess_mapping
from tests.ingest import public_layouts as layouts
from tests.ingest.conversions import Converted, converted

NO_EDIT: tuple[str, str] = ("", "")
EACH_ITS_OWN_USER = ("  # user_id: COLUMN  #", "  user_id: {row_number: true, prefix: user-}  #")
GENERATED = ("tx-", "user-")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# Name: table, the one edit by hand where the guess needs one, a transaction of it, the outcomes in order of arrival.
EXPECTED: dict[str, tuple[str, tuple[str, str], dict[str, Any], list[bool]]] = {
    "Sparkov": (layouts.SPARKOV, NO_EDIT, {
        "transaction_id": "0b242abb623afc578575680df30655b9", "user_id": "2703186189652095",
        "timestamp": 1_325_376_018_000, "amount": 4.97, "merchant_id": "fraud_Rippin,%20Kub%20and%20Mann",
        "merchant_category": "misc_net", "latitude": 36.011293, "longitude": -82.048315,
        "attributes": {"gender": "F", "state": "NC", "city_pop": 3495.0, "job": "Psychologist, counselling"},
    }, [False]),
    "PaySim": (layouts.PAYSIM, NO_EDIT, {
        "user_id": "C840083671", "timestamp": ms("2024-01-01T02:00:00"), "amount": 181.0, "beneficiary_id": "C38997010",
        "attributes": {"transaction_type": "CASH_OUT", "balance_before": 181.0, "receiver_balance_before": 21182.0},
    }, [False, True, True]),
    "IEEE-CIS": (layouts.IEEE_CIS, NO_EDIT, {
        "transaction_id": "2987010", "user_id": "16496", "timestamp": ms("2024-01-02T00:02:29"), "amount": 75.887,
        "email_domain": "gmail.com", "attributes": {"product": "C", "card_brand": "mastercard", "card_type": "credit",
                                                    "receiver_email_domain": "gmail.com"},
    }, [False, False, True]),
    "ULB": (layouts.ULB_CARDS, EACH_ITS_OWN_USER, {
        "timestamp": ms("2024-01-01T00:06:46"), "amount": 0.0,
    }, [False, False, True]),
    "BankSim": (layouts.BANKSIM, NO_EDIT, {
        "user_id": "C2054744914", "timestamp": ms("2024-01-02"), "amount": 26.89, "merchant_id": "M1823072687",
        "merchant_category": "es_sportsandtoys", "attributes": {"age": 4.0, "gender": "F"},
    }, [False, False, True]),
    "TabFormer": (layouts.TABFORMER, NO_EDIT, {
        "user_id": "1", "timestamp": ms("2019-12-13T23:05"), "amount": 99.0, "kind": "refund",
        "merchant_id": "5817218446178736267", "merchant_category": "4784", "entry_mode": "online", "card_id": "1-2",
        "city": "ONLINE",
    }, [False, False, True]),
    "IBM AML": (layouts.IBM_AML, NO_EDIT, {
        "user_id": "8000F4580", "timestamp": ms("2022-09-01T00:21"), "amount": 0.02, "currency": "EUR",
        "beneficiary_id": "8000F5340",
        "attributes": {"from_bank": "03208", "to_bank": "01", "payment_format": "Cheque"},
    }, [False, True]),
    "UPI transfers": (layouts.UPI, NO_EDIT, {
        "transaction_id": "4d3db980-46cd-4158-a812-dcb77055d0d2", "user_id": "4161803452@okaxis",
        "timestamp": ms("2024-06-22T04:06:38"), "amount": 3907.34, "currency": "INR", "auth_result": "declined",
        "beneficiary_id": "7776849307@okybl",
    }, []),
    "UPI with labels": (layouts.UPI_WITH_LABELS, EACH_ITS_OWN_USER, {
        "transaction_id": "TXN0000000001", "timestamp": ms("2024-10-08T15:17:28"), "amount": 868.0, "currency": "INR",
        "auth_result": "approved", "merchant_category": "Entertainment",
        "attributes": {"transaction_type": "P2P", "state": "Delhi", "from_bank": "Axis", "to_bank": "SBI",
                       "device_type": "Android", "network_type": "4G"},
    }, [True, False]),
    "Handbook": (layouts.HANDBOOK, NO_EDIT, {
        "transaction_id": "1", "user_id": "4961", "timestamp": ms("2018-04-01T00:02:10"), "amount": 81.51,
        "merchant_id": "3412",
    }, [False, True]),
    "BAF": (layouts.BAF, EACH_ITS_OWN_USER, {
        "timestamp": ms("2024-08-01"), "amount": 500.0,
        "attributes": {"income": 0.9, "age": 50.0, "payment_type": "AA", "employment_status": "CA", "credit_score": 185.0,
                       "housing_status": "BA", "device_os": "windows"},
    }, [False, True]),
    "Bank customers": (layouts.BANK_CUSTOMERS, NO_EDIT, {
        "transaction_id": "T3", "user_id": "C2142763", "timestamp": ms("2016-09-21T14:18:58"), "amount": 27999.0,
        "currency": "INR", "attributes": {"gender": "M", "account_balance": 2270.69},
    }, []),
    "Bank accounts": (layouts.BANK_ACCOUNTS, NO_EDIT, {
        "transaction_id": "TX000002", "user_id": "AC00455", "timestamp": ms("2023-06-27T16:44:19"), "amount": 376.24,
        "merchant_id": "M052", "channel": "online", "device_id": "D000051", "ip_address": "13.149.61.4",
        "city": "Houston", "attributes": {"transaction_type": "Credit", "age": 68.0, "job": "Doctor",
                                          "login_attempts": 1.0, "account_balance": 13758.91},
    }, []),
    "UPI fraud": (layouts.UPI_FRAUD, NO_EDIT, {
        "transaction_id": "1", "user_id": "9957000002", "timestamp": ms("2022-02-28T13:00"), "amount": 55.81,
        "merchant_category": "3", "attributes": {"age": 15.0, "state": "14"},
    }, [False, True]),
    "MoMTSim": (layouts.MOMTSIM, NO_EDIT, {
        "user_id": "4537027967639631", "timestamp": ms("2024-01-02T01:00"), "amount": 80.0,
        "beneficiary_id": "4680102210937163", "attributes": {"transaction_type": "TRANSFER"},
    }, [False, True]),
    "AMLSim": (layouts.AMLSIM, NO_EDIT, {
        "transaction_id": "2", "user_id": "7", "timestamp": ms("2017-01-02"), "amount": 99.1, "beneficiary_id": "6",
        "attributes": {"transaction_type": "TRANSFER"},
    }, [False, True]),
}  # fmt: skip


def guessed(folder: Path, table: str) -> str:
    (folder / "table.csv").write_text(table)
    return guess_mapping(folder / "table.csv")


def by_the_guess(folder: Path, table: str, edit: tuple[str, str] = NO_EDIT) -> Converted:
    text = guessed(folder, table)
    before, after = edit
    assert before in text
    return converted(folder, table, text.replace(before, after))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_guess_reads_a_public_layout_value_by_value(name: str, tmp_path: Path) -> None:
    table, edit, expected, outcomes = EXPECTED[name]
    result = by_the_guess(tmp_path, table, edit)
    transactions = [event for event in result.events if event["type"] == "transaction"]
    last_values = {
        key: value for key, value in transactions[-1].items() if key != "type" and not str(value).startswith(GENERATED)
    }
    assert last_values == expected
    assert len(transactions) == len(table.splitlines()) - 1
    assert [event["is_fraud"] for event in result.events if event["type"] == "label"] == outcomes
    assert result.errors == []
    assert result.lines("dropped.jsonl") == []


@pytest.mark.parametrize("name", [name for name, (_, edit, _, _) in EXPECTED.items() if edit == NO_EDIT])
def test_a_guess_without_an_edit_says_that_it_reads_all(name: str, tmp_path: Path) -> None:
    table = EXPECTED[name][0]
    rows = len(table.splitlines()) - 1
    assert guessed(tmp_path, table).endswith(f"# Reads all of the first {rows} rows.\n")


def test_a_block_list_is_known_by_its_columns(tmp_path: Path) -> None:
    result = by_the_guess(tmp_path, layouts.BLOCK_LIST)
    rest = {"source_system": None, "expires_at": None}
    assert result.lines("block_list.jsonl") == [
        {"type": "user", "value": "C123", "reason_code": "Suspicious activity", **rest},
        {"type": "device", "value": "C999", "reason_code": "Stolen", **rest},
    ]


@pytest.mark.parametrize(
    ("table", "doubt"),
    [
        (layouts.SPARKOV, "# Unsure of timestamp: it could also be trans_date_trans_time"),
        (layouts.SPARKOV, "# Of the user's home, for a mapping of kind user_profile: city, lat, long"),
        (layouts.PAYSIM, "start: '2024-01-01'}  # assumed: hours since this start, set your own"),
        (layouts.BANKSIM, "start: '2024-01-01'}  # assumed: days since this start, set your own"),
        (layouts.IEEE_CIS, "  user_id: card1  # assumed: this part of the card's number stands for its user"),
        (layouts.IBM_AML, "# Not used: Amount Received, Receiving Currency"),
        (layouts.TABFORMER, "negative: refund}  # assumed: negative amounts are refunds"),
        (layouts.BAF, "  amount: proposed_credit_limit  # assumed: the limit applied for stands for an amount"),
        (layouts.ULB_CARDS, "# Not usable yet: fields: transaction requires user_id"),
    ],
)
def test_the_guess_says_what_it_is_unsure_of(table: str, doubt: str, tmp_path: Path) -> None:
    assert doubt in guessed(tmp_path, table)


def test_the_guess_tells_of_dropped_values_instead_of_claiming_to_read_all(tmp_path: Path) -> None:
    table = "id,user,timestamp,amount,lat\n1,u,2024-02-01 10:00:00,5.0,12.5\n2,u,2024-02-01 10:00:01,5.0,far away\n"
    last = guessed(tmp_path, table).splitlines()[-1]
    assert last.startswith(
        "# Drops 1 values of latitude in the first 2 rows, for example row 2, column lat: 'far away'"
    )


def test_a_table_without_rows_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(layouts.UPI.splitlines()[0] + "\n")
    result = CliRunner().invoke(command, ["--guess", "--input", str(path)])
    assert result.exit_code == 2
    assert result.stderr == (f"Error: {path} has a header but no rows: a mapping is guessed from both, add some rows\n")


def test_a_table_of_broken_rows_only_is_refused_with_the_first_of_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table.csv: none of the first rows can be read, for example row 1"):
        guessed(tmp_path, 'id,user\n"1,2\n')


@pytest.mark.parametrize(
    ("amounts", "keys", "values"),
    [
        (["$1,234.50", "$-2.00", "$7.00"], ['thousands: ","', "remove: [$]", "negative: refund"], [1234.5, 2.0, 7.0]),
        (["1.234,50 €", "7,00 €"], ['decimal: ","', 'thousands: "."', "currency: {value: EUR}"], [1234.5, 7.0]),
        (["Rs. 1,234", "Rs. 7.25"], ['thousands: ","', "remove: [Rs.]"], [1234.0, 7.25]),
    ],
)
def test_the_guess_knows_how_amounts_are_written(
    amounts: list[str], keys: list[str], values: list[float], tmp_path: Path
) -> None:
    rows = [f'{number};u;2024-02-01 10:00:0{number};"{amount}"' for number, amount in enumerate(amounts)]
    table = "\n".join(["id;user;timestamp;amount", *rows, ""])
    text = guessed(tmp_path, table)
    assert [key for key in keys if key not in text] == []
    assert [event["amount"] for event in converted(tmp_path, table, text).events] == values
