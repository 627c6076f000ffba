"""How a guess reads amounts: thousands or decimals, and that it says where the values leave it open."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.guess import guess_mapping
from ingest.readers.number import NumberStyle, number_reader
from tests.ingest.conversions import converted

HEADER = ("id", "user", "timestamp", "amount")


def guess_and_amounts(
    folder: Path, amounts: list[str], delimiter: str = ",", **others: list[str]
) -> tuple[str, list[float]]:
    rows = [[str(n), "u", f"2024-02-01 10:00:0{n}", amount] for n, amount in enumerate(amounts)]
    for column in others.values():
        for row, value in zip(rows, column, strict=True):
            row.append(value)
    table = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in [[*HEADER, *others], *rows]) + "\n"
    (folder / "table.csv").write_text(table)
    text = guess_mapping(folder / "table.csv")
    return text, [event["amount"] for event in converted(folder, table, text).events]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("written", "doubt"),
    [
        (["1,234", "12,500", "980"], "1,234 is read as 1234; if its last three digits are decimals, set decimal"),
        (["1.234", "12.500", "980"], "1.234 is read as 1234; if its last three digits are decimals, set neither"),
    ],
)
def test_signs_before_three_digits_are_between_thousands_and_this_is_said(
    written: list[str], doubt: str, delimiter: str, tmp_path: Path
) -> None:
    text, amounts = guess_and_amounts(tmp_path, written, delimiter)
    assert amounts == [1234.0, 12500.0, 980.0]
    assert f"# Unsure of amount: {doubt}" in text


@pytest.mark.parametrize(
    ("written", "amounts"),
    [
        (["1.234.567", "980"], [1_234_567.0, 980.0]),
        (["1,234,567", "980"], [1_234_567.0, 980.0]),
        (["1,23,456.78", "980.00"], [123_456.78, 980.0]),
        (["1,23,456", "980"], [123_456.0, 980.0]),
        (["1,234.50", "980"], [1234.5, 980.0]),
        (["1.234,50", "980"], [1234.5, 980.0]),
        (["12,5", "980,25"], [12.5, 980.25]),
        (["0,123", "980"], [0.123, 980.0]),
        (["1 234,50", "980,00"], [1234.5, 980.0]),
        (["1\u2007234", "980"], [1234.0, 980.0]),
        (["1'234.50", "980.00"], [1234.5, 980.0]),
        (["1\u2019234.50", "980.00"], [1234.5, 980.0]),
    ],
)
def test_amounts_of_one_reading_are_read_without_a_word(
    written: list[str], amounts: list[float], tmp_path: Path
) -> None:
    text, found = guess_and_amounts(tmp_path, written)
    assert found == amounts
    assert "Unsure of amount" not in text
    assert text.endswith("# Reads all of the first 2 rows.\n")


def test_other_columns_tell_a_decimal_sign_from_one_between_thousands(tmp_path: Path) -> None:
    text, amounts = guess_and_amounts(tmp_path, ["1.234", "12.500", "980.100"], lat=["48.13", "52.5", "50"])
    assert (amounts, "Unsure" in text) == ([1.234, 12.5, 980.1], False)
    text, amounts = guess_and_amounts(tmp_path, ["1,234", "12,500", "980,100"], ";", age_score=["0,5", "0,75", "1"])
    assert amounts == [1.234, 12.5, 980.1]
    assert '# Unsure of amount: 1,234 is read with decimals; if it means 1234, set thousands: ","' in text


def test_a_currency_of_three_decimals_has_them(tmp_path: Path) -> None:
    text, amounts = guess_and_amounts(tmp_path, ["1.234", "12.500", "980"], ccy=["KWD", "KWD", "KWD"])
    assert amounts == [1.234, 12.5, 980.0]
    assert "# Unsure of amount: 1.234 is read with decimals; if it means 1234" in text


def test_numbers_without_closing_zeros_are_decimals_and_this_is_said(tmp_path: Path) -> None:
    text, amounts = guess_and_amounts(tmp_path, ["75.887", "68"])
    assert amounts == [75.887, 68.0]
    assert "# Unsure of amount: 75.887 is read with decimals" in text


@pytest.mark.parametrize(
    ("written", "number"),
    [("1,23,456.78", 123_456.78), ("-12,34,56,789", -123_456_789.0), ("1,234,567", 1_234_567.0), ("12,345", 12_345.0)],
)
def test_thousands_may_be_grouped_as_in_india(written: str, number: float) -> None:
    assert number_reader(style=NumberStyle(thousands=","))(written) == number


@pytest.mark.parametrize("written", ["1,23", "1,2,345", "123,45,678", "1,23,45", "1,234,56,789"])
def test_other_groups_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="groups of three digits"):
        number_reader(style=NumberStyle(thousands=","))(written)


def test_an_apostrophe_between_thousands_may_be_typographic() -> None:
    read = number_reader(style=NumberStyle(thousands="'"))
    assert (read("1\u2019234.50"), read("1'234.50")) == (1234.5, 1234.5)
    with pytest.raises(ValueError, match="for apostrophes between thousands set `thousands"):
        number_reader()("1\u2019234")
