"""Encoding of any text as an id: valid, deterministic, collision-free."""

from __future__ import annotations

from hashlib import blake2b
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ingest.identifier_encoding import MAX_LENGTH, decode_identifier, encode_identifier
from udfs.records.blank_texts import is_blank_text
from udfs.records.codec import identifier

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
def test_every_text_is_encoded_to_a_valid_id(text: str) -> None:
    encoded = encode_identifier(text)
    assume(not is_blank_text(encoded))  # the conversion takes it for a missing value before it is encoded
    assert identifier(encoded, "") == encoded
    assert encode_identifier(text) == encoded


@given(ANY_TEXT)
def test_unhashed_id_decodes_to_its_text_as_with_urllib(text: str) -> None:
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
def test_different_texts_have_different_ids(texts: list[str]) -> None:
    assert len({encode_identifier(text) for text in texts}) == len(texts)


@given(ANY_TEXT)
def test_encoding_is_not_idempotent_on_encoded_ids(text: str) -> None:
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
def test_valid_ids_are_unchanged_and_short_texts_percent_encoded(text: str, expected: str) -> None:
    assert encode_identifier(text) == expected


def test_long_name_keeps_a_prefix_of_whole_characters() -> None:
    name = "Große Straßenbäckerei und Konditorei, Inhaber Jörg Müller & Töchter"
    encoded = encode_identifier(name)
    assert encoded == "Gro%C3%9Fe%20Stra%C3%9Fenb" + "%~" + blake2b(name.encode(), digest_size=16).hexdigest()
    assert len(encoded) <= MAX_LENGTH


def test_lone_surrogates_are_encoded_and_empty_text_is_rejected() -> None:
    assert encode_identifier("\ud800") == "%ED%A0%80"
    assert decode_identifier("%ED%A0%80") == "\ud800"
    with pytest.raises(ValueError, match="an empty text cannot be encoded as an id"):
        encode_identifier("")
