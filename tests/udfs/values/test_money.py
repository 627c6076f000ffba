"""Minor units compared with exact fractions of the decimal text, the dated FX table and its file."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from udfs.values.fx_rates import FxFileError, FxRate, load_fx_rates
from udfs.values.money import AmountOutOfRange, MissingRate, Money, exponent, minor_units

NEW_YEAR_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY = 86_400_000
# A sample of ISO 4217's list one, written down apart from the code.
DIGITS = {
    "USD": 2, "EUR": 2, "GBP": 2, "INR": 2, "CNY": 2, "MGA": 2, "MRU": 2, "HUF": 2, "IDR": 2, "IRR": 2, "XXX": 2,
    "JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "UGX": 0, "PYG": 0, "XOF": 0, "XAF": 0, "XPF": 0, "UYI": 0,
    "BHD": 3, "KWD": 3, "JOD": 3, "OMR": 3, "TND": 3, "IQD": 3, "LYD": 3, "CLF": 4, "UYW": 4,
}  # fmt: skip


def half_even(value: Fraction) -> int:
    below, rest = divmod(value, 1)
    if rest == Fraction(1, 2):
        return int(below) + int(below) % 2
    return int(below) + (rest > Fraction(1, 2))


def by_definition(amount: float, digits: int) -> int:
    return half_even(Fraction(repr(amount)) * 10**digits)


def test_exponents_are_those_of_iso_4217() -> None:
    assert {code: exponent(code) for code in DIGITS} == DIGITS


@pytest.mark.parametrize(
    ("amount", "digits", "minor"),
    [
        (0.0, 2, 0), (-0.0, 2, 0), (0.005, 2, 0), (0.015, 2, 2), (0.025, 2, 2), (0.035, 2, 4), (1.005, 2, 100),
        (1.015, 2, 102), (2.675, 2, 268), (1.115, 2, 112), (1.125, 2, 112), (0.5, 0, 0), (1.5, 0, 2), (2.5, 0, 2),
        (3.5, 0, 4), (0.0005, 3, 0), (0.0015, 3, 2), (1.0005, 3, 1000), (0.00005, 4, 0), (0.00015, 4, 2),
        (999_999.995, 2, 100_000_000), (999_999.985, 2, 99_999_998), (999_999_999.995, 2, 100_000_000_000),
        (1_000_000_000.005, 2, 100_000_000_000), (1_000_000_000.015, 2, 100_000_000_002), (1e12, 4, 10**16),
        (999_999_999_999.995, 2, 100_000_000_000_000), (5e-324, 4, 0), (8.5e-5, 4, 1), (0.1 + 0.2, 2, 30),
        (4.35, 2, 435), (0.285, 2, 28), (0.00499999999999999, 2, 0),
        (0.005000000000000001, 2, 1), (0.01499999999999999, 2, 1), (0.015000000000000001, 2, 2),
    ],
)  # fmt: skip
def test_halves_of_the_decimal_text_round_to_even(amount: float, digits: int, minor: int) -> None:
    assert by_definition(amount, digits) == minor
    assert minor_units(amount, digits) == minor


decimals = st.decimals(0, 10**12, allow_nan=False, allow_infinity=False, places=6).map(float)


@settings(max_examples=1_500, deadline=None)
@given(decimals | st.floats(0, 1e12), st.sampled_from([0, 2, 3, 4]))
@example(1e12, 4)
@example(0.1 + 0.2, 2)
def test_any_amount_agrees_with_exact_fractions(amount: float, digits: int) -> None:
    assert minor_units(amount, digits) == by_definition(amount, digits)


@settings(max_examples=1_500, deadline=None)
@given(st.integers(0, 10**16), st.sampled_from([0, 2, 3, 4]), st.sampled_from([-2, -1, 0, 1, 2]))
@example(9 * 10**12, 4, 0)  # just below the limit of the fast path the grid of doubles is 0.002 minor units wide
def test_halves_and_their_nearest_doubles_agree_with_exact_fractions(whole: int, digits: int, steps: int) -> None:
    from math import inf, nextafter

    amount = float(Fraction(2 * whole + 1, 2 * 10**digits))
    for _ in range(abs(steps)):
        amount = nextafter(amount, inf if steps > 0 else 0.0)
    if amount <= 1e12:
        assert minor_units(amount, digits) == by_definition(amount, digits)


def test_minor_units_are_monotone_in_the_amount() -> None:
    amounts = sorted(
        float(f"{whole}.{part:03d}") for whole in (0, 1, 999_999_999, 1_000_000_000) for part in range(1000)
    )
    minors = [minor_units(amount, 2) for amount in amounts]
    assert minors == sorted(minors)


# -- FX ------------------------------------------------------------------------------------------------------------------

TABLE = (
    FxRate("EUR", NEW_YEAR_MS, "1.08"),
    FxRate("EUR", NEW_YEAR_MS + 2 * DAY, "1.1"),
    FxRate("JPY", NEW_YEAR_MS, "0.0065"),
    FxRate("KWD", NEW_YEAR_MS, "3.25"),
    FxRate("EUR", NEW_YEAR_MS + DAY, "1.09"),  # not in the order of time
)


@pytest.mark.parametrize(
    ("amount", "currency", "after_ms", "cents"),
    [
        (100.0, "EUR", 0, 10_800),
        (100.0, "EUR", DAY - 1, 10_800),
        (100.0, "EUR", DAY, 10_900),
        (100.0, "EUR", 2 * DAY - 1, 10_900),
        (100.0, "EUR", 2 * DAY, 11_000),
        (100.0, "EUR", 9_999 * DAY, 11_000),
        (1000.0, "JPY", 0, 650),
        (1000.4, "JPY", 0, 650),  # yen have no minor unit: 1000 of them
        (100.0, "JPY", 0, 65),
        (1.0, "JPY", 0, 1),  # 0.65 cents
        (0.001, "KWD", 0, 0),  # 0.325 cents
        (0.02, "KWD", 0, 6),  # 6.5 cents: to the even one
        (0.06, "KWD", 0, 20),  # 19.5 cents: to the even one
        (12.345, "KWD", 0, 4012),  # 4012.125 cents
        (100.0, "USD", -1, 10_000),
        (100.0, None, -1, 10_000),
    ],
)
def test_the_rate_in_force_at_the_events_time_is_used(
    amount: float, currency: str | None, after_ms: int, cents: int
) -> None:
    assert Money("USD", TABLE).base_minor(amount, currency, NEW_YEAR_MS + after_ms) == cents


@pytest.mark.parametrize(("currency", "after_ms"), [("EUR", -1), ("GBP", 0), ("eur", 0), ("", 0)])
def test_a_missing_rate_is_an_error_with_currency_and_time(currency: str, after_ms: int) -> None:
    with pytest.raises(MissingRate) as caught:
        Money("USD", TABLE).base_minor(1.0, currency, NEW_YEAR_MS + after_ms)
    assert f"from {currency} to USD at {NEW_YEAR_MS + after_ms}" in str(caught.value)


def test_without_a_table_every_currency_is_converted_1_to_1() -> None:
    for base, minor in (("USD", 1250), ("JPY", 12), ("KWD", 12_500), ("CLF", 125_000)):
        money = Money(base)
        assert money.scale == 10 ** DIGITS[base]
        assert {money.base_minor(12.5, currency, 0) for currency in (None, base, "XYZ", "JPY")} == {minor}


@settings(max_examples=800, deadline=None)
@given(
    decimals,
    st.decimals("0.000001", 100_000, places=6),
    st.sampled_from(sorted(DIGITS)),
    st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
)
def test_any_conversion_agrees_with_exact_fractions(amount: float, rate: object, currency: str, base: str) -> None:
    if currency == base:
        return
    money = Money(base, (FxRate(currency, 0, str(rate)),))
    own_minor = by_definition(amount, DIGITS[currency])
    exact = Fraction(own_minor, 10 ** DIGITS[currency]) * Fraction(str(rate)) * 10 ** DIGITS[base]
    if half_even(exact) > 10**16:
        with pytest.raises(AmountOutOfRange, match="is too large in"):
            money.base_minor(amount, currency, 0)
    else:
        assert money.base_minor(amount, currency, 0) == half_even(exact)


def test_a_long_rate_is_used_with_all_its_digits() -> None:
    """A cross rate of 15 digits with a large amount: one part in 10^15 above a half rounds up."""
    own_minor = 99_999_999_999_999
    fifteen = (5 * 10**14 + 1) * pow(own_minor, -1, 10**15) % 10**15
    exact = Fraction(own_minor * fifteen, 10**15)
    assert exact % 1 == Fraction(5 * 10**14 + 1, 10**15)
    rates = [f"{whole}.{fifteen:015d}" for whole in (0, 1)]  # one of the two has an even number below
    for rate in rates:
        expected = half_even(own_minor * Fraction(rate))
        assert Money("USD", (FxRate("EUR", 0, rate),)).base_minor(999_999_999_999.99, "EUR", 0) == expected


# -- the FX file ---------------------------------------------------------------------------------------------------------


def file_of(folder: Path, text: str | bytes) -> Path:
    path = folder / "fx.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_dates_times_and_offsets_are_read_from_a_file(tmp_path: Path) -> None:
    path = file_of(
        tmp_path,
        "currency,valid_from,rate\r\nEUR,2026-01-01,1.08\r\nJPY,2026-01-01T02:00:00+02:00,0.0065\r\n"
        "EUR,2026-01-02T00:00:00.007Z,1.09\r\n",
    )
    assert load_fx_rates(path) == (
        FxRate("EUR", NEW_YEAR_MS, "1.08"),
        FxRate("JPY", NEW_YEAR_MS, "0.0065"),
        FxRate("EUR", NEW_YEAR_MS + DAY + 7, "1.09"),
    )


def test_a_byte_order_mark_is_not_part_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "fx.csv"
    path.write_bytes(b"\xef\xbb\xbfcurrency,valid_from,rate\r\nEUR,2026-01-01,1.25\r\n")
    assert load_fx_rates(path) == (FxRate("EUR", 1_767_225_600_000, "1.25"),)


def test_every_millisecond_of_a_second_is_read_exactly(tmp_path: Path) -> None:
    lines = [f"EUR,2033-05-18T03:33:20.{ms:03d}Z,1" for ms in range(1000)]
    rates = load_fx_rates(file_of(tmp_path, "currency,valid_from,rate\n" + "\n".join(lines)))
    assert [rate.valid_from_ms for rate in rates] == list(range(2_000_000_000_000, 2_000_000_001_000))


HEADER = "currency,valid_from,rate\n"
BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "no header": ("EUR,2026-01-01,1\n", "the first line must be currency,valid_from,rate"),
    "empty": ("", "the first line must be currency,valid_from,rate"),
    "other columns": ("code,valid_from,rate\n", "the first line must be currency,valid_from,rate"),
    "semicolons": ("currency;valid_from;rate\n", "the first line must be currency,valid_from,rate"),
    "a date that is none": (HEADER + "EUR,2026-01-01,1\nEUR,yesterday,1\n", "line 3: valid_from 'yesterday'"),
    "a missing date": (HEADER + "EUR\n", "line 2: valid_from None"),
    "rate zero": (HEADER + "EUR,2026-01-01,0\n", "line 2: rate '0' is not a number above 0"),
    "rate negative": (HEADER + "EUR,2026-01-01,-1\n", "line 2: rate '-1'"),
    "rate NaN": (HEADER + "EUR,2026-01-01,NaN\n", "line 2: rate 'NaN'"),
    "rate infinite": (HEADER + "EUR,2026-01-01,Infinity\n", "line 2: rate 'Infinity'"),
    "rate of words": (HEADER + "EUR,2026-01-01,one\n", "line 2: rate 'one'"),
    "decimal comma": (HEADER + 'EUR,2026-01-01,"1,08"\n', "line 2: rate '1,08'"),
    "rate missing": (HEADER + "EUR,2026-01-01\n", "line 2: rate None"),
    "rate empty": (HEADER + "EUR,2026-01-01,\n", "line 2: rate ''"),
    "not UTF-8": (HEADER.encode() + b"EUR,2026-01-01,\xff\n", "cannot be read"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_an_invalid_file_is_refused_with_name_and_line(name: str, tmp_path: Path) -> None:
    text, words = BAD_FILES[name]
    path = file_of(tmp_path, text)
    with pytest.raises(FxFileError) as caught:
        load_fx_rates(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("code", ["EURO", "", "E1R", "EU R"])
def test_an_invalid_currency_code_is_refused(code: str, tmp_path: Path) -> None:
    """Otherwise every payment in that currency would be a dead letter, although the file has a rate."""
    with pytest.raises(FxFileError, match="line 2: currency"):
        load_fx_rates(file_of(tmp_path, HEADER + f"{code},2026-01-01,1\n"))


@pytest.mark.parametrize("code", ["eur", " EUR", "Eur "])
def test_a_currency_code_is_read_without_regard_to_case_and_blanks(code: str, tmp_path: Path) -> None:
    (rate,) = load_fx_rates(file_of(tmp_path, HEADER + f"{code},2026-01-01,1.1\n"))
    assert (rate.currency, rate.rate) == ("EUR", "1.1")


def test_a_field_beyond_the_csv_limit_is_an_error_of_the_file(tmp_path: Path) -> None:
    limit = csv.field_size_limit(100_000)
    try:
        with pytest.raises(FxFileError, match="larger than field limit"):
            load_fx_rates(file_of(tmp_path, HEADER + 'EUR,2026-01-01,"' + "1" * 200_000 + '"\n'))
    finally:
        csv.field_size_limit(limit)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(FxFileError, match=str(path)):
            load_fx_rates(path)
