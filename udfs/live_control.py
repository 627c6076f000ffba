"""Puts control elements in force on one scorer: each as a whole or not at all, and never an older one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from udfs.bundle import BundleError, load_bundle, read_manifest
from udfs.control import (
    BLOCK_LIST,
    BUNDLE,
    RULES,
    THRESHOLDS,
    BundleControl,
    ControlElement,
    ControlError,
    RulesControl,
    ThresholdsControl,
)
from udfs.decision_settings import DecisionSettings
from udfs.live_block_list import MAX_BLOCK_LIST_KEYS, LiveBlockList
from udfs.rules.errors import RuleError
from udfs.rules.rule_map import RuleMapError
from udfs.rules.rulebook import Rulebook
from udfs.scorer import Scorer

MAX_BUNDLE_BYTES = 200_000_000


class UnusableHere(ControlError):
    """The bundle cannot be loaded by this instance; another may see a good one under the same path."""


class LiveControl:
    """What is in force on one operator instance, by key and version.

    The same elements lead to the same state on all instances, in whatever order those of different keys come.
    `forgotten` holds the keys that the last applied element has put out of mind: old entries of a full block list.
    """

    def __init__(self, scorer: Scorer, max_block_list_keys: int = MAX_BLOCK_LIST_KEYS) -> None:
        start = scorer.config.start_versions
        self._scorer = scorer
        self._versions = {RULES: scorer.rulebook.version, THRESHOLDS: start.thresholds, BUNDLE: start.bundle}
        self._block_list = LiveBlockList(scorer.engine.block_list, max_block_list_keys)
        self.forgotten: list[str] = []

    def is_newer(self, element: ControlElement) -> bool:
        """Would `apply` change anything?"""
        return element.version > self._versions.get(element.key, 0)

    def apply(self, element: ControlElement) -> bool:
        """Put the element in force; False if one of its key with this version or a higher one already is.

        Raises ControlError, and all stays as it was.
        """
        if not self.is_newer(element):
            return False
        self.forgotten = []
        if isinstance(element, RulesControl):
            self._scorer.use_rules(compiled(element, self._scorer.engine.features.names))
            self._name_version(RULES, element.version)
        elif isinstance(element, ThresholdsControl):
            self._scorer.use_thresholds(with_thresholds(self._scorer.config.decision, element))
            self._name_version(THRESHOLDS, element.version)
        elif isinstance(element, BundleControl):
            self._use_bundle(element)
            self._name_version(BUNDLE, element.version)
        else:
            self.forgotten = self._block_list.apply(element)
            for key in self.forgotten:
                del self._versions[key]
            named = self._scorer.control_versions.get(BLOCK_LIST, 0)
            self._name_version(BLOCK_LIST, max(named, element.version))
        self._versions[element.key] = element.version
        return True

    def _name_version(self, kind: str, version: int) -> None:
        """Decisions name the versions from now on. Of the block list it is the highest of all its entries."""
        self._scorer.control_versions = dict(sorted({**self._scorer.control_versions, kind: version}.items()))

    def _use_bundle(self, element: BundleControl) -> None:
        folder, features = Path(element.path), self._scorer.engine.features
        try:
            _require_small(folder)
            manifest = read_manifest(folder)
        except (BundleError, OSError) as error:
            raise UnusableHere(str(error)) from None
        if manifest.version != element.bundle:
            raise UnusableHere(
                f"{folder} holds bundle {manifest.version}, the element names bundle {element.bundle}; "
                "publish it again, and give every bundle a folder of its own"
            )
        try:
            bundle = load_bundle(folder, features.names, features.version)
            self._scorer.use_bundle(bundle)
        except (BundleError, RuleMapError) as error:
            fits = manifest.feature_set_version == features.version
            raise (UnusableHere if fits else ControlError)(str(error)) from None


def compiled(element: RulesControl, feature_names: Iterable[str]) -> Rulebook:
    """The element's rules, ready to evaluate. Raises ControlError, naming the rule."""
    try:
        return Rulebook.of(element.rule_set, frozenset(feature_names))
    except RuleError as error:
        raise ControlError(str(error)) from None


def with_thresholds(decision: DecisionSettings, element: ThresholdsControl) -> DecisionSettings:
    """The same settings with the element's thresholds."""
    return msgspec.structs.replace(
        decision,
        refer_above=element.refer_to_analyst,
        soft_challenge_above=element.soft_challenge,
        hard_block_above=element.hard_block,
    )


def _require_small(folder: Path) -> None:
    """A folder that is no bundle by mistake must not hold the operator up for long."""
    size = sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
    if size > MAX_BUNDLE_BYTES:
        raise BundleError(f"{folder}: {size} bytes, at most {MAX_BUNDLE_BYTES} are loaded while the job runs")
