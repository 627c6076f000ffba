"""The feature set of one bundle: the catalogue's features, followed by those of custom attributes."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from udfs.features.catalogue import FEATURES, declared_features, feature_set_version
from udfs.features.feature import Feature
from udfs.records.attributes import Attribute

_OF_ATTRIBUTE = re.compile(
    r"attribute_(?P<name>[a-z][a-z0-9_]*?)(?P<history>_fraud_rate_(?:7|30|90)d|_activity_ratio)?"
)


class FeatureSet:
    """All features of a bundle in the model's input order: definitions, names, version and groups.

    Immutable. `groups` maps an input group to the positions of the features that need it.
    """

    def __init__(self, attributes: tuple[Attribute, ...] = ()) -> None:
        self.attributes = attributes
        self.features = declared_features(attributes)
        self.names = tuple(feature.name for feature in self.features)
        self.version = feature_set_version(self.features)
        self.groups: dict[str, tuple[int, ...]] = _groups_of(self.features)


@cache
def feature_set_of(attributes: tuple[Attribute, ...] = ()) -> FeatureSet:
    """The feature set for the declared attributes; the same object for equal arguments."""
    return FeatureSet(attributes)


_BY_NAME = {feature.name: feature for feature in FEATURES}


@lru_cache(maxsize=1024)
def find_feature(name: str) -> Feature | None:
    """The catalogue's feature of this name, or that of an attribute, declared or not; None if there is none."""
    return _BY_NAME.get(name) or _feature_of_attribute(name)


@lru_cache(maxsize=1024)
def feature_of(name: str) -> Feature:
    """The same. Raises KeyError if there is none."""
    found = find_feature(name)
    if found is None:
        raise KeyError(name)
    return found


def _feature_of_attribute(feature_name: str) -> Feature | None:
    found = _OF_ATTRIBUTE.fullmatch(feature_name)
    if found is None:
        return None
    attribute = Attribute(found["name"], "number" if found["history"] is None else "text", "event")
    return next(feature for feature in declared_features((attribute,)) if feature.name == feature_name)


def _groups_of(features: tuple[Feature, ...]) -> dict[str, tuple[int, ...]]:
    """Input group -> positions of the features that need it."""
    groups: dict[str, list[int]] = {}
    for position, feature in enumerate(features):
        for group in feature.groups:
            groups.setdefault(group, []).append(position)
    return {group: tuple(positions) for group, positions in groups.items()}
