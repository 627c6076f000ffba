"""The rules, lists and the bundle that decide, as far as a console knows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from udfs.features.feature_set import feature_set_of
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.rule_set import RuleSet
from udfs.scoring.bundle import MANIFEST_FILE, BundleError, Manifest, read_manifest
from udfs.scoring.decision_settings import DecisionSettings


class DecidesWith(NamedTuple):
    """`rules`: the rule set in force, or that decided the run which is read; None where it is not known. What a guardrail
    has put back is in shadow there. `bundle_path`: the folder of the bundle, likewise. `by_version`: rule sets that were
    in force until now. `trouble`: why it is not known what is in force now; what is told then is what was known last.
    `lists`: named lists of rules. `settings`: of decisions, with the thresholds in force. `statistics`: file of the
    population statistics. `candidates`: rule sets that are evaluated beside the one in force, by name. `tripped`: rules that
    a guardrail has put back to shadow, with what was crossed, in words. `next_version`: of the rule set, above all that were
    published; 0 where nothing can be published."""

    rules: RuleSet | None = None
    bundle_path: Path | None = None
    by_version: Mapping[int, RuleSet] = MappingProxyType({})
    trouble: str | None = None
    lists: Lists = NO_LISTS
    settings: DecisionSettings = DecisionSettings()
    statistics: str | None = None
    candidates: Mapping[str, RuleSet] = MappingProxyType({})
    tripped: Mapping[str, str] = MappingProxyType({})
    next_version: int = 0

    def rule_set_of(self, version: int) -> RuleSet | None:
        """The rule set by which a decision of this version was made; that in force if it is not known."""
        if self.rules is not None and self.rules.version == version:
            return self.rules
        return self.by_version.get(version, self.rules)

    def rule_set_before(self, version: int) -> RuleSet | None:
        """The rule set that was in force before this version; None if it is not known."""
        earlier = [one for one in self.by_version if one < version]
        return self.by_version[max(earlier)] if earlier else None

    def manifest(self) -> Manifest | None:
        """The bundle's; None where it is not on this machine."""
        if self.bundle_path is None:
            return None
        try:
            return _read_once(self.bundle_path, (self.bundle_path / MANIFEST_FILE).stat().st_mtime_ns)
        except (BundleError, OSError):
            return None

    def feature_names(self) -> tuple[str, ...]:
        """What conditions may read of features: those of the bundle, or of the catalogue alone."""
        manifest = self.manifest()
        return feature_set_of(() if manifest is None else manifest.attributes).names


@lru_cache(maxsize=8)
def _read_once(folder: Path, changed_ns: int) -> Manifest:
    """`changed_ns`: when its manifest was written, so that a new one is read. Raises BundleError."""
    return read_manifest(folder)


NOT_KNOWN = DecidesWith()
