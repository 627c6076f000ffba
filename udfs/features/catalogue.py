"""All features by family, in the model's input order, as the core declares them, and the version of the set."""

from __future__ import annotations

import hashlib

from udfs.core._native import catalogue
from udfs.features.feature import Feature
from udfs.features.signal import Direction, Signal
from udfs.features.words import Words
from udfs.records.attributes import Attribute


def declared_features(attributes: tuple[Attribute, ...] = ()) -> tuple[Feature, ...]:
    """The core's features, followed by those of custom attributes in the order of their declaration."""
    return tuple(
        Feature(name, unit, formula, Words(*words), _signal(*signal), version, tuple(groups), family)
        for family, name, unit, formula, version, groups, words, signal in catalogue(list(attributes))
    )


def _signal(
    concept: str,
    direction: Direction,
    limits: list[float],
    rank: int,
    personal: bool,
    joins: str,
    needed: tuple[str, float],
    read_from: str,
) -> Signal:
    least, clear, most, certain = limits
    return Signal(concept, direction, least, clear, most, certain, rank, personal, joins, *needed, read_from)


def feature_set_version(features: tuple[Feature, ...]) -> str:
    """Hash over name, unit, formula version and groups of every feature, in order. A bundle fits one version only."""
    lines = "\n".join(
        f"{feature.name}\t{feature.unit}\t{feature.version}\t{','.join(feature.groups)}" for feature in features
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


FEATURES = declared_features()
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
FAMILIES: dict[str, tuple[Feature, ...]] = {
    family: tuple(feature for feature in FEATURES if feature.family == family)
    for family in dict.fromkeys(feature.family for feature in FEATURES)
}
FEATURE_SET_VERSION = feature_set_version(FEATURES)
