"""Numbers and texts in reasons, and suggestions for misspelt names, against Python's own formats and difflib."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, reason_of, truth_of
from udfs.rules.errors import RuleError
from udfs.rules.names import FUNCTIONS, names_for

KEYWORDS = ("and", "or", "not", "in", "true", "false")
KNOWN = [*KEYWORDS, *(name.name for name in names_for(FEATURES))]


@settings(max_examples=1000, deadline=None)
@given(st.floats(), st.sampled_from(["", ".0f", ".3f", ".6f", ",.0f", ",.2f"]))
def test_numbers_are_written_as_by_pythons_format(number, spec):
    whole = not spec and abs(number) < 2.0**53 and number == int(number)
    expected = str(int(number)) if whole else format(number, spec or ".6g")
    assert reason_of(f"{{amount{':' if spec else ''}{spec}}}", {"amount": number}) == (
        "unknown" if number != number else expected
    )


def known_to_unicode_14(text: str) -> bool:
    """Of characters that only later versions of Unicode know, Rust may print what this Python escapes."""
    return all(unicodedata.category(character) not in ("Cn", "Cs") for character in text)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=20).filter(known_to_unicode_14))
def test_texts_are_written_in_printable_characters(city):
    assert reason_of("in {city}", city=city) == f"in {city if city.isprintable() else ascii(city)[1:-1]}"


@settings(max_examples=1500, deadline=None)
@given(st.text(alphabet="abcdefghiklmnoprstuvwxy_0123456789", min_size=1, max_size=24))
def test_an_unknown_name_gets_the_suggestion_of_difflib(name):
    near = get_close_matches(name, KNOWN, 1)
    if name in KNOWN or name[0].isdigit() or name in {function.name for function in FUNCTIONS}:
        return
    with pytest.raises(RuleError, match=f"unknown name '{name}'") as refused:
        truth_of(f"{name} > 1")
    assert refused.value.hint == (f"did you mean {near[0]!r}?" if near else None)
