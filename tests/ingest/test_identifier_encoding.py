"""Ids made of any text: valid, stable, and never one for two texts."""

from __future__ import annotations

from hashlib import blake2b
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.identifier_encoding import MAX_LENGTH, decode_identifier, encode_identifier
from udfs.codec import identifier

ANY_TEXT = st.text(min_size=1, max_size=120)
CLOSE_TEXTS = st.text(alphabet="aA %~2050é|", min_size=1, max_size=80)


@given(ANY_TEXT)
@example("%")
@example("%~")
@example(" ")
@example("\n")
@example("é" * 10)
@example("x" * 64)
@example("x" * 65)
@example("%" * 22)
@example("\x00" * 21)
def test_every_text_becomes_an_id_of_the_contract(text: str) -> None:
    encoded = encode_identifier(text)
    assert identifier(encoded, "") == encoded
    assert encode_identifier(text) == encoded


@given(ANY_TEXT)
def test_an_id_without_a_hash_reads_back_to_its_text_and_as_urllib_reads_it(text: str) -> None:
    encoded = encode_identifier(text)
    if "%~" not in encoded:
        assert decode_identifier(encoded) == text
        assert unquote(encoded) == text
    else:
        assert decode_identifier(encoded) is None
        assert encoded.endswith("%~" + blake2b(text.encode(), digest_size=16).hexdigest())
        assert text.startswith(unquote(encoded[: encoded.index("%~")]))


@given(st.lists(CLOSE_TEXTS, min_size=2, max_size=30, unique=True))
@example(["a b", "a%20b", "a%2520b"])
@example(["A", "A ", " A", "a"])
@example(["x" * 65, "x" * 65 + " ", "x" * 66])
@example(["é", "e\u0301", "%C3%A9"])
def test_different_texts_never_meet_in_one_id(texts: list[str]) -> None:
    assert len({encode_identifier(text) for text in texts}) == len(texts)


@given(ANY_TEXT)
def test_the_id_of_a_text_is_never_the_id_of_that_id(text: str) -> None:
    encoded = encode_identifier(text)
    assert encoded == text or encode_identifier(encoded) != encoded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fraud_Kirlin", "fraud_Kirlin"),
        ("4613314721966", "4613314721966"),
        ("Kuhn, Lang & Söhne", "Kuhn,%20Lang%20&%20S%C3%B6hne"),
        ('The "Corner" Shop', 'The%20"Corner"%20Shop'),
        ("50% off", "50%25%20off"),
        ("x" * 64, "x" * 64),
    ],
)
def test_ids_stay_as_they_are_and_what_fits_is_percent_encoded(text: str, expected: str) -> None:
    assert encode_identifier(text) == expected


def test_a_long_name_keeps_a_readable_start_cut_between_its_characters() -> None:
    name = "Große Straßenbäckerei und Konditorei, Inhaber Jörg Müller & Töchter"
    encoded = encode_identifier(name)
    assert encoded == "Gro%C3%9Fe%20Stra%C3%9Fenb" + "%~" + blake2b(name.encode(), digest_size=16).hexdigest()
    assert len(encoded) <= MAX_LENGTH


def test_lone_surrogates_have_ids_of_their_own_and_nothing_has_none() -> None:
    assert encode_identifier("\ud800") == "%ED%A0%80"
    assert decode_identifier("%ED%A0%80") == "\ud800"
    with pytest.raises(ValueError, match="an empty text is no id"):
        encode_identifier("")
