"""Feature sets for the commands that read packed features."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cli.errors import UserError
from cli.scoring_run import CONFIG_FILE


def feature_sets_of_bundles(bundles: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """Feature names by feature set version: of this program and of the bundles. Raises UserError."""
    from udfs.scoring.bundle import BundleError
    from udfs.scoring.feature_sets import feature_sets_of

    try:
        return feature_sets_of(bundles)
    except BundleError as error:
        raise UserError(str(error)) from None


def feature_sets_of_run(directory: Path, bundle: Path | None = None) -> dict[str, tuple[str, ...]]:
    """Feature names by version, including those of the run's bundle, if it is readable. Raises UserError for `bundle`."""
    given = [] if bundle is None else [bundle]
    recorded = bundle_of_run(directory)
    return feature_sets_of_bundles(given if recorded is None else [recorded, *given])


def bundle_of_run(directory: Path) -> Path | None:
    """The bundle that the run's job.yaml names; None if that cannot be read."""
    import yaml

    from udfs.scoring.bundle import BundleError, read_manifest

    try:
        bundle = yaml.safe_load((directory / CONFIG_FILE).read_bytes())["scoring"]["bundle"]
        read_manifest(bundle)
    except (OSError, yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, BundleError):
        return None
    return Path(bundle)
