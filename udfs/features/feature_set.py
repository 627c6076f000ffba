"""The features that one bundle is made for: those of the catalogue, and those of a bank's own attributes."""

from __future__ import annotations

from functools import cache

from udfs.attributes import Attribute
from udfs.features.attribute_features import AttributeFeatures
from udfs.features.catalogue import FEATURES, feature_set_version, values_of_families
from udfs.features.context import Context
from udfs.features.feature import Feature
from udfs.features.values import FeatureValues, values_of


class FeatureSet:
    """Names, version and groups of all features in the model's input order, and their computation."""

    def __init__(self, attributes: tuple[Attribute, ...] = ()) -> None:
        own = AttributeFeatures(attributes)
        self.attributes = attributes
        self.features: tuple[Feature, ...] = FEATURES + own.features
        self.names = tuple(feature.name for feature in self.features)
        self.version = feature_set_version(self.features)
        self.groups: dict[str, tuple[int, ...]] = _groups_of(self.features)
        self._own = own
        self._make = values_of(self.names)

    def compute(self, context: Context) -> FeatureValues:
        """Every feature of one transaction, in input order; NaN is what is not known."""
        values = values_of_families(context)
        if self.attributes:
            values.extend(self._own.compute(context))
        return self._make(*values)


@cache
def feature_set_of(attributes: tuple[Attribute, ...] = ()) -> FeatureSet:
    """The feature set of declared attributes."""
    return FeatureSet(attributes)


def _groups_of(features: tuple[Feature, ...]) -> dict[str, tuple[int, ...]]:
    """Group -> positions of the features that need it."""
    groups: dict[str, list[int]] = {}
    for position, feature in enumerate(features):
        for group in feature.groups:
            groups.setdefault(group, []).append(position)
    return {group: tuple(positions) for group, positions in groups.items()}
