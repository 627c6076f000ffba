"""Numbers, ids, texts and flags: what each reader makes of a value, by hand."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UnreadableValue
from ingest.readers.blank import is_blank
from ingest.readers.flag import flag_reader
from ingest.readers.number import NumberRange, NumberStyle, number_reader
from ingest.readers.text import choice_reader, identifier_reader, plain_text, read_currency, read_time_zone, text_reader

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
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(UnreadableValue, match=r"^a number from 0 to 1000000000000"):
        number_reader(AMOUNT)(value)


def test_a_comma_where_points_are_expected_says_which_option_to_set() -> None:
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
def test_styles_of_numbers(text: str, style: NumberStyle, number: float) -> None:
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
def test_numbers_of_another_style_are_refused_instead_of_misread(text: str, style: NumberStyle) -> None:
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
def test_what_is_no_id_is_refused(value: object) -> None:
    with pytest.raises(UnreadableValue):
        identifier_reader()(value)


def test_an_id_that_a_prefix_makes_too_long_says_so() -> None:
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


def test_codes_are_exact_and_choices_take_any_case() -> None:
    assert read_currency("EUR") == "EUR"
    assert read_time_zone("Europe/Berlin") == "Europe/Berlin"
    assert choice_reader(("purchase", "refund"))("REFUND") == "refund"
    for read, value in (
        (read_currency, "eur"),
        (read_currency, "E1R"),
        (read_time_zone, "Berlin"),
        (read_time_zone, "../etc"),
    ):
        with pytest.raises(UnreadableValue):
            read(value)
    with pytest.raises(UnreadableValue, match=r"^one of purchase, refund"):
        choice_reader(("purchase", "refund"))("sale")


@pytest.mark.parametrize("value", ["1", 1, True, "TRUE", "Yes", "y", "t", 1.0])
def test_true_flags(value: object) -> None:
    assert flag_reader()(value) is True


@pytest.mark.parametrize("value", ["0", 0, False, "no", "N", 0.0])
def test_false_flags(value: object) -> None:
    assert flag_reader()(value) is False


def test_flags_of_ones_own() -> None:
    fraud_or_other = flag_reader(("fraud",))
    assert [fraud_or_other(value) for value in ("Fraud", "legit", 0, 1)] == [True, False, False, False]
    fraud_or_legit = flag_reader(("fraud",), ("legit",))
    assert fraud_or_legit("legit") is False
    with pytest.raises(UnreadableValue, match=r"^a flag: one of fraud or legit$"):
        fraud_or_legit("pending")
    with pytest.raises(UnreadableValue, match=r"^a flag: one of 1, t, true, y, yes or 0, f, false, n, no$"):
        flag_reader()("2")


def test_what_counts_as_nothing() -> None:
    assert all(
        is_blank(value) for value in (None, "", "  ", "NaN", "None", "null", float("nan"), Decimal("NaN"), "<NA>")
    )
    something: tuple[object, ...] = (0, False, "0", "NA", "-", [], 0.0)
    assert not any(is_blank(value) for value in something)
    assert is_blank("-", frozenset({"-"}))


def test_plain_texts_of_values() -> None:
    assert [plain_text(value) for value in (1, 1.0, 1.5, True, " a ", Decimal("1.50"), Decimal("2.00"))] == [
        "1", "1", "1.5", "true", "a", "1.50", "2",
    ]  # fmt: skip
