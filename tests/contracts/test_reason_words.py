"""Every feature can be told to an analyst: it has words, a concept, and a direction in which it raises a risk."""

from __future__ import annotations

import re
from math import inf, nan

import pytest

from udfs.attributes import Attribute
from udfs.events import Transaction
from udfs.features.catalogue import FEATURES, NAMES
from udfs.features.feature import Feature
from udfs.features.feature_set import FeatureSet
from udfs.features.words import RAISED_BY_ABSENCE, WORDS, in_words, words_of
from udfs.reasoning.signals import EVENT_CONCEPTS, SIGNALS, signal_of
from udfs.rules.names import POPULATION_NAMES

OWN = FeatureSet(
    (
        Attribute(name="card_type", kind="text", holder="event"),
        Attribute(name="city_population", kind="number", holder="profile"),
    )
).features[len(FEATURES) :]
PLACEHOLDER = re.compile(r"\{[^}]*\}")


@pytest.mark.parametrize("feature", FEATURES, ids=NAMES)
def test_every_feature_has_words_a_concept_and_a_direction_of_its_own(feature: Feature) -> None:
    assert feature.name in WORDS
    assert feature.name in SIGNALS
    signal, words = SIGNALS[feature.name], WORDS[feature.name]
    assert signal.concept
    assert (words.form == "flag") == (feature.unit == "flag")
    if signal.risky in ("true", "false"):
        assert words.form == "flag"
    if words.form == "flag":
        assert signal.risky in ("true", "false", "night", "never")
        assert (signal.risky == "false") == (feature.name in RAISED_BY_ABSENCE)
    if signal.needs:
        assert signal.needs in NAMES


@pytest.mark.parametrize("feature", OWN, ids=lambda feature: str(feature.name))
def test_a_banks_own_attributes_have_words_from_their_names(feature: Feature) -> None:
    assert signal_of(feature.name).concept in ("attribute_card_type", "attribute_card_type_risk",
                                               "attribute_card_type_activity", "attribute_city_population")  # fmt: skip
    words = words_of(feature.name)
    assert "card type" in words.raised or "city population" in words.raised


@pytest.mark.parametrize("name", [*NAMES, *(feature.name for feature in OWN)])
def test_words_are_plain_and_hold_the_value_once(name: str) -> None:
    words = words_of(name)
    for text in (words.raised, words.lowered):
        assert text == text.strip()
        assert "_" not in text
        assert PLACEHOLDER.findall(text) in ([], ["{}"])
    assert ("{}" in words.raised) == (words.form != "flag" and name not in ("hour_sin", "hour_cos"))
    for value in (0.0, 1.0, -1.0, 0.5, 123_456_789.125, 1e300, -inf, inf):
        assert "{" not in in_words(name, value, "USD")
    assert in_words(name, nan).endswith("not known")


def test_an_unknown_name_has_no_words_and_is_no_reason() -> None:
    with pytest.raises(KeyError):
        words_of("nothing")
    assert signal_of("nothing").risky == "never"


def test_the_names_of_rules_that_have_a_concept_exist_and_share_it_with_a_feature() -> None:
    fields = {*Transaction.__struct_fields__, "original_amount", *POPULATION_NAMES}
    concepts = {signal.concept for signal in SIGNALS.values()}
    for name, concept in EVENT_CONCEPTS.items():
        assert name in fields
        assert concept in concepts
