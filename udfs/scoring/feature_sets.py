"""Feature sets for decoding packed features: the built-in one, and those of bundles."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from udfs.features.feature_set import feature_set_of
from udfs.scoring.bundle import read_manifest


def feature_sets_of(bundles: Iterable[str | Path] = ()) -> dict[str, tuple[str, ...]]:
    """Version -> feature names, of the feature set without attributes and those of the bundles.

    Raises BundleError for a bundle that cannot be read.
    """
    own = feature_set_of()
    manifests = [read_manifest(bundle) for bundle in bundles]
    return {own.version: own.names} | {manifest.feature_set_version: manifest.feature_names for manifest in manifests}
