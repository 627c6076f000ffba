"""Readers of numbers, ids, texts and flags, compared with hand-written values."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UnreadableValue
from ingest.field_readers import reader_for
from ingest.readers.blank import BlankTexts, is_blank
from ingest.readers.code import choice_reader, read_currency
from ingest.readers.flag import flag_reader
from ingest.readers.number import NumberRange, NumberStyle, number_reader
from ingest.readers.text import identifier_reader, plain_text, read_time_zone, text_reader
from ingest.targets import FIELD_TYPES

AMOUNT = NumberRange(0.0, 1e12)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("57.16", 57.16),
        (" 57.10 ", 57.1),
        ("+1", 1.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        (57.16, 57.16),
        (7, 7.0),
    ],
)
def test_numbers_are_read_exactly(value: object, number: float) -> None:
    result = number_reader(AMOUNT)(value)
    assert (result, type(result)) == (number, float)


@pytest.mark.parametrize(
    ("value", "scale", "number"),
    [
        (5716, "0.01", 57.16),
        ("5716", "0.01", 57.16),
        (29, "0.01", 0.29),
        (0.1, "3", 0.3),
        ("57.16", "-1", None),
        (12345, "0.001", 12.345),
    ],
)
def test_a_scale_multiplies_in_decimal(value: object, scale: str, number: float | None) -> None:
    read = number_reader(AMOUNT, scale=Decimal(scale))
    if number is None:
        with pytest.raises(UnreadableValue):
            read(value)
    else:
        assert read(value) == number


@given(st.integers(0, 10**14))
@settings(deadline=None, max_examples=200)
def test_cents_become_the_nearest_double_of_their_decimal_text(cents: int) -> None:
    assert number_reader(AMOUNT, scale=Decimal("0.01"))(cents) == float(f"{cents // 100}.{cents % 100:02d}")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "1,5",
        "1 000",
        "0x10",
        "1_000",
        "nan",
        "inf",
        "1e400",
        "\u0663",
        "--1",
        "1.2.3",
        "-0.01",
        "1" * 65,
        "1e13",
        -0.01,
        1e13,
        math.inf,
        True,
        None,
        [1],
        b"1",
        10**400,
        Decimal("Infinity"),
    ],
)
def test_invalid_amounts_are_rejected(value: object) -> None:
    with pytest.raises(UnreadableValue, match=r"^a number from 0 to 1000000000000"):
        number_reader(AMOUNT)(value)


def test_unexpected_decimal_comma_error_names_the_option() -> None:
    with pytest.raises(UnreadableValue, match=r'for decimal commas set `decimal: ","`'):
        number_reader(AMOUNT)("57,16")


@pytest.mark.parametrize(
    ("text", "style", "number"),
    [
        ("57,16", NumberStyle(","), 57.16),
        ("1.234,5", NumberStyle(",", "."), 1234.5),
        ("-1.234.567", NumberStyle(",", "."), -1_234_567.0),
        ("1,234.50", NumberStyle(".", ","), 1234.5),
        ("1 234", NumberStyle(".", " "), 1234.0),
        ("$1,234.50", NumberStyle(".", ",", ("$",)), 1234.5),
        ("-$99.00", NumberStyle(remove=("$",)), -99.0),
        ("12 EUR", NumberStyle(remove=("EUR", "$")), 12.0),
    ],
)
def test_number_styles(text: str, style: NumberStyle, number: float) -> None:
    assert number_reader(style=style)(text) == number


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("57.16", NumberStyle(",")),
        ("1.23", NumberStyle(",", ".")),
        ("1.2345,0", NumberStyle(",", ".")),
        ("1234.567", NumberStyle(",", ".")),
        (".234", NumberStyle(",", ".")),
        ("1,5,6", NumberStyle(",")),
    ],
)
def test_numbers_in_another_style_are_rejected(text: str, style: NumberStyle) -> None:
    with pytest.raises(UnreadableValue):
        number_reader(style=style)(text)


def test_whole_numbers() -> None:
    read = number_reader(NumberRange(whole=True))
    assert [read(value) for value in (3, 3.0, "3", "3.0", "-2", Decimal("4"))] == [3, 3, 3, 3, -2, 4]
    for value in (3.5, "3.5", True, "1e30", 2**63):
        with pytest.raises(UnreadableValue, match=r"^a whole number$"):
            read(value)


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (123, "123"),
        ("123", "123"),
        (" a-b ", "a-b"),
        (123.0, "123"),
        (-7, "-7"),
        (Decimal("12.00"), "12"),
        ("007", "007"),
    ],
)
def test_ids(value: object, identifier: str) -> None:
    assert identifier_reader()(value) == identifier
    assert identifier_reader("C")(value) == "C" + identifier


@pytest.mark.parametrize("value", ["a b", "ü", "x" * 65, 1.5, True, "a\u0000", [1], 10**70])
def test_invalid_ids_are_rejected(value: object) -> None:
    with pytest.raises(UnreadableValue):
        identifier_reader()(value)


def test_too_long_id_error_names_the_prefix() -> None:
    assert identifier_reader("C")("x" * 63) == "C" + "x" * 63
    with pytest.raises(
        UnreadableValue, match=r"1 to 64 printable ASCII characters without spaces \(with the prefix 'C'\)"
    ):
        identifier_reader("C")("x" * 64)


def test_texts_are_measured_in_bytes() -> None:
    assert text_reader()("ü" * 128) == "ü" * 128
    assert text_reader("in ")(5) == "in 5"
    with pytest.raises(UnreadableValue, match="a text of at most 256 bytes of UTF-8"):
        text_reader()("ü" * 129)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("EUR", "EUR"), ("eur", "EUR"), (" Usd ", "USD"), ("840", "USD"), (978, "EUR"), (36.0, "AUD"), ("US Dollar", "USD"),
        ("us dollars", "USD"), ("UK pounds", "GBP"), ("Euro", "EUR"), ("Yen", "JPY"), ("Indian rupee", "INR"), ("€", "EUR"),
        ("Turkish lira", "TRY"), ("Bitcoin", "BTC"), ("XYZ", "XYZ"), ("KSh", "KES"), ("Ksh", "KES"), ("KSHS", "KES"),
        ("TSh", "TZS"), ("USh", "UGX"), ("GHC", "GHS"), ("GH₵", "GHS"), ("₵", "GHS"), ("RMB", "CNY"), ("rmb", "CNY"),
        ("US$", "USD"), ("R$", "BRL"), ("HK$", "HKD"), ("NT$", "TWD"), ("zł", "PLN"), ("Kč", "CZK"), ("NIS", "ILS"),
        ("฿", "THB"), ("₫", "VND"), ("₱", "PHP"), ("৳", "BDT"),
    ],
)  # fmt: skip
def test_currencies_are_read_by_code_number_name_and_sign(written: object, code: str) -> None:
    assert read_currency(written) == code


def test_codes_that_mean_several_things_or_none_are_refused() -> None:
    assert read_time_zone("Europe/Berlin") == "Europe/Berlin"
    assert choice_reader("type", ("purchase", "refund"))("REFUND") == "refund"
    assert choice_reader("kind", ("purchase", "refund"))("Sale") == "purchase"
    for read, value in (
        (read_currency, "$"),
        (read_currency, "Rupee"),
        (read_currency, "Dollar"),
        (read_currency, ""),
        (read_currency, "0"),
        (read_currency, "E1R"),
        (read_time_zone, "Berlin"),
        (read_time_zone, "../etc"),
    ):
        with pytest.raises(UnreadableValue):
            read(value)
    with pytest.raises(UnreadableValue, match=r"^one of purchase, refund"):
        choice_reader("type", ("purchase", "refund"))("sale")


@pytest.mark.parametrize("value", ["1", 1, True, "TRUE", "Yes", "y", "t", 1.0])
def test_true_flags(value: object) -> None:
    assert flag_reader()(value) is True


@pytest.mark.parametrize("value", ["0", 0, False, "no", "N", 0.0])
def test_false_flags(value: object) -> None:
    assert flag_reader()(value) is False


def test_custom_flag_values() -> None:
    fraud_or_other = flag_reader(("fraud",))
    assert [fraud_or_other(value) for value in ("Fraud", "legit", 0, 1)] == [True, False, False, False]
    fraud_or_legit = flag_reader(("fraud",), ("legit",))
    assert fraud_or_legit("legit") is False
    with pytest.raises(UnreadableValue, match=r"^a flag: one of fraud or legit$"):
        fraud_or_legit("pending")
    with pytest.raises(UnreadableValue, match=r"^a flag: one of 1, t, true, y, yes or 0, f, false, n, no$"):
        flag_reader()("2")


def test_blank_values() -> None:
    assert all(
        is_blank(value)
        for value in (None, "", "  ", "NaN", "None", "null", float("nan"), Decimal("NaN"), "<NA>", "NA", "-")
    )
    something: tuple[object, ...] = (0, False, "0", "NAN1", "--x", [], 0.0)
    assert not any(is_blank(value) for value in something)
    assert is_blank("x", BlankTexts(frozenset({"x"})))
    assert is_blank("NA", BlankTexts(frozenset({"x"})))
    assert not is_blank("NA", BlankTexts(frozenset({"x"}), only_own=True))
    assert not is_blank("NA", BlankTexts(is_country=True))


@pytest.mark.parametrize(
    "value",
    [
        4.99e18,
        2.0**53,
        "4.99e+18",
        "3.57303E+15",
        "3,57303E+15",
        "4E+15",
        "9007199254740993.0",
        "3.57303E15",
        "3.57303e15",
        "4.992346398065154E18",
        "4.99e18",
        "-3.57303E+15",
        "1.70678E+12",
        "1E+100",
        "9.007199254740993E15",
    ],
)
def test_numbers_that_have_lost_digits_are_no_ids(value: object) -> None:
    for read in (identifier_reader(), identifier_reader(encode=True), identifier_reader("C")):
        with pytest.raises(UnreadableValue, match="export the column as text"):
            read(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("123", "123"), ("123.0", "123"), (123.0, "123"), (" 123.00 ", "123"), ("1.5", "1.5"), ("3e10", "3e10"),
        ("007", "007"),
        ('="007"', "007"), (9_007_199_254_740_993, "9007199254740993"), ("9007199254740993", "9007199254740993"),
        ("1.2345678E7", "12345678"), ("1.2345678E+07", "12345678"), ("-7.0", "-7"), ("5E12", "5E12"), ("1.23E1", "1.23E1"),
        ("1.5e-3", "1.5e-3"),
    ],
)  # fmt: skip
def test_a_number_is_one_id_in_every_format(value: object, text: str) -> None:
    assert identifier_reader()(value) == text
    assert identifier_reader("C")(value) == "C" + text
    assert identifier_reader(encode=True)(value) == text


def test_encoding_takes_no_bytes_of_another_encoding() -> None:
    name = "Café".encode("latin-1").decode("utf-8", "surrogateescape")
    with pytest.raises(UnreadableValue, match=r"valid UTF-8 \(another encoding"):
        identifier_reader(encode=True)(name)
    assert identifier_reader(encode=True)("Café") == "Caf%C3%A9"


@pytest.mark.parametrize(
    ("field", "written", "code"),
    [
        ("country", "840.0", "US"), ("country", 840.0, "US"), ("currency", "840.0", "USD"), ("currency", "36.0", "AUD"),
        ("currency", 840.0, "USD"), ("channel", "5.0", "5"), ("value", "123.0", "123"), ("value", 123.0, "123"),
        ("value", "10.0.0.1", "10.0.0.1"),
    ],
)  # fmt: skip
def test_a_code_of_digits_is_the_same_with_a_point(field: str, written: object, code: str) -> None:
    assert reader_for(field, FIELD_TYPES[field])(written) == code


@pytest.mark.parametrize(
    ("value", "flag"), [("1.0", True), ("0.0", False), ("1", True), (1.0, True), (" 0.00 ", False)]
)
def test_flags_may_be_written_as_doubles(value: object, flag: bool) -> None:
    assert flag_reader()(value) is flag


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("(12.34)", -12.34), ("12.34-", -12.34), ("5.00 CR", -5.0), ("5.00CR", -5.0), ("5.00 DR", 5.0), ("-12.34", -12.34),
        ("\u221212.34", -12.34), ("( 12.34 )", -12.34), ("+5", 5.0), ("- 5", -5.0),
    ],
)  # fmt: skip
def test_negatives_as_accounting_writes_them(written: str, number: float) -> None:
    assert number_reader()(written) == number


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f", "\u2009"])
def test_a_space_between_thousands_may_be_one_that_does_not_break(space: str) -> None:
    read = number_reader(style=NumberStyle(decimal=",", thousands=" "))
    assert read(f"1{space}234{space}567,89") == 1_234_567.89
    with pytest.raises(UnreadableValue, match="spaces between thousands set `thousands"):
        number_reader()(f"1{space}234")
    with pytest.raises(UnreadableValue):
        read(f"1{space}23,5")


def test_plain_text_of_values() -> None:
    assert [plain_text(value) for value in (1, 1.0, 1.5, True, " a ", Decimal("1.50"), Decimal("2.00"))] == [
        "1", "1", "1.5", "true", "a", "1.50", "2",
    ]  # fmt: skip
