"""Features by name and packed: both forms decode to the same bits; errors are one line."""

from __future__ import annotations

import doctest
import json
import math
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.features.values import named
from udfs.records import logged_features
from udfs.records.logged_features import (
    FeaturesError,
    FeatureSets,
    LoggedFeatures,
    features_of,
    pack_features,
    packed_feature,
)

NAMES = ("amount", "km_from_home", "is_new_device", "hour_local")
SETS = {"f00d": NAMES}
OTHER_NAN = struct.unpack("<d", bytes.fromhex("010000000000f0ff"))[0]
VALUES = st.lists(
    st.floats(width=64) | st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, OTHER_NAN, math.inf]),
    min_size=len(NAMES),
    max_size=len(NAMES),
)


class Carrier(msgspec.Struct):
    """A decision's fields as the scorer fills them."""

    features: Any = None
    feature_set: str | msgspec.UnsetType = msgspec.UNSET
    features_packed: bytes | msgspec.UnsetType = msgspec.UNSET


def bits(values: dict[str, float]) -> dict[str, bytes]:
    return {name: struct.pack("<d", value) for name, value in values.items()}


def as_json(by_name: bool, values: list[float]) -> bytes:
    if by_name:
        return msgspec.json.encode(Carrier(features=named(dict(zip(NAMES, values, strict=True))), feature_set="f00d"))
    return msgspec.json.encode(Carrier(None, "f00d", pack_features(values)))


@given(VALUES)
def test_both_forms_decode_to_the_same_bits(values: list[float]) -> None:
    """Finite values are unchanged, minus zero and subnormal ones included; others become NaN."""
    expected = {
        name: struct.pack("<d", value if math.isfinite(value) else math.nan)
        for name, value in zip(NAMES, values, strict=True)
    }
    for by_name in (True, False):
        line = as_json(by_name, values)
        for decision in (json.loads(line), msgspec.json.decode(line), msgspec.json.decode(line, type=LoggedFeatures)):
            found = features_of(decision, SETS)
            assert bits(found) == expected
            assert tuple(found) == NAMES


@given(VALUES)
def test_a_single_feature_can_be_read(values: list[float]) -> None:
    packed = pack_features(values)
    found = {name: packed_feature(packed, "f00d", name, SETS) for name in NAMES}
    assert bits(found) == bits(features_of(LoggedFeatures(feature_set="f00d", features_packed=packed), SETS))
    assert math.isnan(packed_feature(packed, "f00d", "no_such_feature", SETS))


def test_the_packed_format_is_as_documented() -> None:
    """Little-endian float64 in base64; NaN is the positive quiet NaN."""
    line = as_json(False, [1.5, math.nan, -2.0, 0.0])
    assert line == (
        b'{"features":null,"feature_set":"f00d","features_packed":"AAAAAAAA+D8AAAAAAAD4fwAAAAAAAADAAAAAAAAAAAA="}'
    )


@pytest.mark.parametrize(
    ("decision", "sets", "words"),
    [
        ({}, SETS, "the decision carries no features: it was made with scoring.log_features: none"),
        ({"features": None}, SETS, "the decision carries no features"),
        (
            {"feature_set": "beef", "features_packed": "AAAAAAAA+D8="},
            {"f00d": NAMES, "cafe": NAMES},
            "the features are packed under feature set beef, whose names are not known (known: cafe, f00d); give the bundle "
            "that it was scored with",
        ),
        ({"features_packed": "AAAAAAAA+D8="}, {}, "under feature set None, whose names are not known (known: none)"),
        (
            {"feature_set": "f00d", "features_packed": "AAAAAAAA+D8="},
            SETS,
            "the packed features have 8 bytes, those of feature set f00d must have 32",
        ),
        ({"feature_set": "f00d", "features_packed": "?"}, SETS, "Invalid base64 encoded string"),
        ({"features": {"amount": "much"}}, SETS, "not a decision with features: Expected `float | null`, got `str`"),
    ],
)
def test_unreadable_features_are_an_error_of_one_line(decision: dict[str, Any], sets: FeatureSets, words: str) -> None:
    with pytest.raises(FeaturesError) as raised:
        features_of(decision, sets)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_docstring_example_is_correct() -> None:
    assert doctest.testmod(logged_features).failed == 0
