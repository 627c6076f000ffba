"""Values of options that change amounts and times, and the sentences of the profile, on small tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.guess import guess_mapping
from tests.ingest.conversions import LABELLED_MAPPING, converted

MINOR_UNITS = """
kind: transaction
fields:
  {transaction_id: id, user_id: user, timestamp: time, amount: {column: amount, minor_units: true}, currency: currency}
"""
DEBIT_CREDIT = """
kind: transaction
decimal: ","
thousands: "."
fields: {transaction_id: id, user_id: user, timestamp: time, amount: {debit: debit, credit: credit}}
"""
TIME = "2024-02-01T10:00:00Z"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_minor_units_are_those_of_the_rows_currency(tmp_path: Path) -> None:
    rows = ["500,JPY", "12340,KWD", "5716,EUR", "5716,usd", "1000,CLP", "7,BHD"]
    table = "\n".join(["id,user,time,amount,currency", *(f"{n},u,{TIME},{row}" for n, row in enumerate(rows)), ""])
    events = converted(tmp_path, table, MINOR_UNITS).events
    assert [(event["amount"], event["currency"]) for event in events] == [
        (500.0, "JPY"), (12.34, "KWD"), (57.16, "EUR"), (57.16, "USD"), (1000.0, "CLP"), (0.007, "BHD"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("500.5,JPY", "a whole number of minor units of JPY (`minor_units`)"),
        ("500,", "a row with a currency (`minor_units` needs it)"),
        ("500,QQQ", "a currency of ISO 4217, whose minor unit is known, not QQQ"),
    ],
)
def test_minor_units_without_a_known_unit_are_refused(row: str, expected: str, tmp_path: Path) -> None:
    result = converted(tmp_path, f"id,user,time,amount,currency\n1,u,{TIME},{row}\n", MINOR_UNITS)
    assert [error["expected"] for error in result.errors] == [expected]
    assert result.events == []


def test_debits_are_payments_and_credits_refunds(tmp_path: Path) -> None:
    rows = ["1.234,50;", ";12,00", "7,25;0,00", "-7,25;", ";-12,00", "0,00;3"]
    table = "\n".join(["id;user;time;debit;credit", *(f"{n};u;{TIME};{row}" for n, row in enumerate(rows)), ""])
    events = converted(tmp_path, table, DEBIT_CREDIT).events
    assert [(event["amount"], event.get("kind", "purchase")) for event in events] == [
        (1234.5, "purchase"), (12.0, "refund"), (7.25, "purchase"), (7.25, "purchase"), (12.0, "refund"), (3.0, "refund"),
    ]  # fmt: skip


@pytest.mark.parametrize("cells", ["5,00;6,00", ";"])
def test_a_row_has_a_debit_or_a_credit(cells: str, tmp_path: Path) -> None:
    result = converted(tmp_path, f"id;user;time;debit;credit\n1;u;{TIME};{cells}\n", DEBIT_CREDIT)
    assert (len(result.errors), result.events) == (1, [])


@pytest.mark.parametrize(
    ("written", "times", "format_name"),
    [
        (["202402011000", "202402011001"], ["2024-02-01T10:00", "2024-02-01T10:01"], "'%Y%m%d%H%M'"),
        (["20240201100059", "20240201100100"], ["2024-02-01T10:00:59", "2024-02-01T10:01"], "'%Y%m%d%H%M%S'"),
        (["2024020110", "2024020111"], ["2024-02-01T10:00", "2024-02-01T11:00"], "'%Y%m%d%H'"),
        (["1706781600", "1706781660"], ["2024-02-01T10:00", "2024-02-01T10:01"], "epoch_s"),
        (["1706781600000", "1706781660000"], ["2024-02-01T10:00", "2024-02-01T10:01"], "epoch_ms"),
        (["1706781600000000", "1706781660000000"], ["2024-02-01T10:00", "2024-02-01T10:01"], "epoch_us"),
        (["1706781600000000000", "1706781660000000000"], ["2024-02-01T10:00", "2024-02-01T10:01"], "epoch_ns"),
        (
            ["02-01 10:00:00", "02-01 10:01:00"],
            ["2024-02-01T10:00", "2024-02-01T10:01"],
            "'%m-%d %H:%M:%S', year: 2024",
        ),
    ],
)
def test_the_guess_knows_numbers_that_are_times(
    written: list[str], times: list[str], format_name: str, tmp_path: Path
) -> None:
    table = "id,user,time,amount\n" + "".join(f"{n},u,{time},5.5\n" for n, time in enumerate(written))
    (tmp_path / "table.csv").write_text(table)
    text = guess_mapping(tmp_path / "table.csv")
    assert f"timestamp: {{column: time, format: {format_name}}}" in text
    assert [event["timestamp"] for event in converted(tmp_path, table, text).events] == [ms(time) for time in times]


def test_a_mix_of_units_in_a_column_is_told_and_its_rows_are_rejected(tmp_path: Path) -> None:
    table = "id,user,time,amount\n1,u,1706781600,5.5\n2,u,1706781600000,5.5\n"
    (tmp_path / "table.csv").write_text(table)
    text = guess_mapping(tmp_path / "table.csv")
    assert "# its numbers are of several units: epoch_ms and epoch_s; convert them to one" in text
    mapping = "kind: transaction\nfields: {transaction_id: id, user_id: user, timestamp: {column: time, format: epoch_s}, amount: amount}\n"  # noqa: E501
    result = converted(tmp_path, table, mapping)
    assert [event["timestamp"] for event in result.events] == [1_706_781_600_000]
    assert [error["row"] for error in result.errors] == [2]
    assert "it is of this century as `format: epoch_ms`" in result.errors[0]["expected"]


def odd_of(folder: Path, rows: list[str], header: str = "id,user,time,amount,fraud", more: str = "") -> tuple[str, ...]:
    table = "\n".join([header, *rows, ""])
    mapping = LABELLED_MAPPING.replace("amount: amount}", f"amount: amount{more}}}")
    return converted(folder, table, mapping).summary.profile.odd


def row(number: int, user: int | str = "u", time: str | None = None, amount: float = 5.5, fraud: int | str = 0) -> str:
    return f"{number},{user},{time or f'2024-02-01T10:00:{number % 60:02}Z'},{amount},{fraud}"


def test_the_profile_has_frauds_kinds_and_users(tmp_path: Path) -> None:
    rows = [row(1, "a", fraud=1), row(2, "b"), row(3, "b"), row(4, "b", fraud="")]
    profile = converted(tmp_path, "\n".join(["id,user,time,amount,fraud", *rows, ""]), LABELLED_MAPPING).summary.profile
    assert (profile.frauds, profile.labelled, profile.transactions, profile.users) == (1, 3, 4, 2)
    assert profile.kinds == {"purchase": 4}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [row(1), row(1), row(2)],
            "1 transactions repeat an id of the same user: they are scored once within 48 hours",
        ),
        (
            [row(n, time=f"2024-02-{1 + n % 20:02}", fraud=n % 10 == 0) for n in range(20)],
            "all times are midnight UTC: the time of day is missing, and features of hours know nothing",
        ),
        (
            [row(n, time=f"{1990 + 2 * n}-02-01T10:00:00Z", fraud=n % 10 == 0) for n in range(20)],
            "the period is 38 years: check the format of the times",
        ),
        (
            [row(n, amount=1_000 + n, fraud=n % 10 == 0) for n in range(20)],
            "all amounts are whole numbers: if they are minor units, set `minor_units: true` or `scale: 0.01`",
        ),
        (
            [row(n, user=n, fraud=n % 10 == 0) for n in range(20)],
            "every transaction has a user of its own: there is no history to compare with; check user_id",
        ),
        ([row(n) for n in range(20)], "no label is a fraud: check is_fraud"),
        (
            [row(n, fraud=n % 2) for n in range(20)],
            "50% of the labels are frauds: check is_fraud, or whether the table is a sample",
        ),
    ],
)
def test_what_looks_odd_is_one_sentence(rows: list[str], sentence: str, tmp_path: Path) -> None:
    fraud_rows = [one.replace("True", "1").replace("False", "0") for one in rows]
    assert odd_of(tmp_path, fraud_rows) == (sentence,)


def test_nothing_is_odd_about_plain_payments(tmp_path: Path) -> None:
    assert odd_of(tmp_path, [row(n, user=n % 5, fraud=int(n % 10 == 0)) for n in range(40)]) == ()


@pytest.mark.parametrize(
    ("field", "codes", "sentence"),
    [
        ("country", ["US", "Atlantis", "Atlantis"], "country: ATLANTIS (2) are no countries of ISO 3166"),
        ("country", ["NA", "US"], "country: NA is read as Namibia (1); if it means none, use `lookup`"),
        (
            "channel",
            ["pos", "kiosk9"],
            "channel: kiosk9 (1) are no known codes: each is a category of its own, or map it with `lookup`",
        ),
        ("currency", ["EUR", "QQQ"], "currency: QQQ (1) are no codes of ISO 4217"),
    ],
)
def test_codes_that_are_none_are_odd(field: str, codes: list[str], sentence: str, tmp_path: Path) -> None:
    rows = [row(number) + "," + code for number, code in enumerate(codes)]
    assert odd_of(tmp_path, rows, f"id,user,time,amount,fraud,{field}", f", {field}: {field}") == (sentence,)


def test_an_id_that_strangers_share_is_odd(tmp_path: Path) -> None:
    rows = [row(n, user=n // 2, fraud=int(n % 20 == 0)) + f",{'web' if n % 2 else n}" for n in range(80)]
    assert odd_of(tmp_path, rows, "id,user,time,amount,fraud,device_id", ", device_id: device_id") == (
        "device_id: web is in 50% of the transactions; if it stands for a missing value, list it in `blank_values`",
    )
