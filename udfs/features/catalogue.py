"""All features by family, in the model's input order, and the version of the set.

A family is a module of this folder with `FEATURES` and `compute(context)`, which gives their values in the same order.
Adding the file adds the family; the order is that of the families' names.
"""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Callable
from importlib import import_module

from udfs import features as package
from udfs.features.context import Context
from udfs.features.feature import Feature
from udfs.features.values import FeatureValues, values_of

NOT_FAMILIES = frozenset({"attribute_features", "catalogue", "feature_set", "words"})  # they import this module
Compute = Callable[[Context], tuple[float, ...]]


def _discover() -> dict[str, tuple[tuple[Feature, ...], Compute]]:
    families = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        if name in NOT_FAMILIES:
            continue
        module = import_module(f"{package.__name__}.{name}")
        if hasattr(module, "compute"):
            families[name] = (module.FEATURES, module.compute)
    return families


FAMILIES = _discover()
FEATURES: tuple[Feature, ...] = tuple(feature for features, _ in FAMILIES.values() for feature in features)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
_COMPUTE = tuple(compute for _, compute in FAMILIES.values())
_make = values_of(NAMES)


def feature_set_version(features: tuple[Feature, ...]) -> str:
    """Hash over name, unit, formula version and groups of every feature, in order: what a bundle is bound to."""
    lines = "\n".join(
        f"{feature.name}\t{feature.unit}\t{feature.version}\t{','.join(feature.groups)}" for feature in features
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


FEATURE_SET_VERSION = feature_set_version(FEATURES)


def family_of(name: str) -> str:
    """The family a feature belongs to. Raises KeyError for an unknown name."""
    for family, (features, _) in FAMILIES.items():
        if any(feature.name == name for feature in features):
            return family
    raise KeyError(name)


def values_of_families(context: Context) -> list[float]:
    """Every feature of the catalogue for one transaction, in input order; NaN is what is not known."""
    values: list[float] = []
    for compute in _COMPUTE:
        values.extend(compute(context))
    return values


def compute_features(context: Context) -> FeatureValues:
    """The same by name."""
    return _make(*values_of_families(context))
