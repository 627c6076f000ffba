"""Encoding and decoding of a decision's features, by name or packed.

By name: `features` is an object, null for unknown. Packed: `features_packed` is base64 of one little-endian float64 a
feature, in the order of the feature set with version `feature_set`; NaN for unknown. Both forms hold the same bits.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

FeatureSets = Mapping[str, Sequence[str]]
"""Version of a feature set -> names of its features, in order: `feature_set_version` and `feature_names` of a bundle's
manifest.json."""

_VALUE_BYTES = 8


class FeaturesError(ValueError):
    """A decision's features cannot be read; the message is one line with cause and remedy."""


class LoggedFeatures(msgspec.Struct, kw_only=True, gc=False):
    """The part of a decision that holds its features."""

    features: dict[str, float | None] | None = None
    feature_set: str | None = None
    features_packed: bytes | None = None


def pack_features(values: npt.ArrayLike) -> bytes:
    """The values of one transaction as bytes (base64 in JSON). What is not finite becomes NaN, as it is null by name."""
    known = np.asarray(values, np.float64)
    return np.where(np.isfinite(known), known, math.nan).astype("<f8").tobytes()


def features_of(decision: Mapping[str, Any] | LoggedFeatures, feature_sets: FeatureSets) -> dict[str, float]:
    """The features of a decision (as parsed from JSON) by name, in order; NaN where unknown.

    `feature_sets` are needed for packed features only. Raises FeaturesError for a decision without features, of an
    unknown feature set, or with malformed features.

    >>> from udfs.records.logged_features import features_of
    >>> features_of({"features_packed": "AAAAAAAA+D8=", "feature_set": "1f"}, {"1f": ["amount"]})
    {'amount': 1.5}
    """
    if not isinstance(decision, LoggedFeatures):
        try:
            decision = msgspec.convert(decision, LoggedFeatures)
        except msgspec.ValidationError as error:
            raise FeaturesError(f"not a decision with features: {error}") from None
    packed = decision.features_packed
    if packed is not None:
        names = names_of_packed(packed, decision.feature_set, feature_sets)
        return dict(zip(names, struct.unpack(f"<{len(names)}d", packed), strict=True))
    if decision.features is None:
        raise FeaturesError("the decision carries no features: it was made with scoring.log_features: none")
    return {name: math.nan if value is None else value for name, value in decision.features.items()}


def packed_feature(packed: bytes, feature_set: str | None, name: str, feature_sets: FeatureSets) -> float:
    """One packed feature; NaN if it is unknown or not in the feature set. Raises FeaturesError."""
    names = names_of_packed(packed, feature_set, feature_sets)
    if name not in names:
        return math.nan
    value: float = struct.unpack_from("<d", packed, names.index(name) * _VALUE_BYTES)[0]
    return value


def names_of_packed(packed: bytes, feature_set: str | None, feature_sets: FeatureSets) -> Sequence[str]:
    """The names of packed features, in order. Raises FeaturesError for an unknown feature set or a wrong length."""
    names = feature_sets.get(feature_set or "")
    if names is None:
        known = ", ".join(sorted(feature_sets)) or "none"
        raise FeaturesError(
            f"the features are packed under feature set {feature_set}, whose names are not known (known: {known}); give the "
            "bundle that it was scored with"
        )
    if len(packed) != len(names) * _VALUE_BYTES:
        raise FeaturesError(
            f"the packed features have {len(packed)} bytes, those of feature set {feature_set} must have "
            f"{len(names) * _VALUE_BYTES}"
        )
    return names
