"""What is in force of rules, lists and the model, as far as this console knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType

import msgspec

from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.scoring import scorer_config
from udfs.features.feature_set import feature_set_of
from udfs.rules.list_files import ListFileError, lists_of
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.rule_set import RuleSet
from udfs.scoring.bundle import MANIFEST_FILE, BundleError, Manifest, read_manifest
from udfs.scoring.decision_settings import DecisionSettings

KEEP_MS = 3_000
NO_CANDIDATES: Mapping[str, RuleSet] = MappingProxyType({})


class InForceRules(msgspec.Struct, frozen=True, kw_only=True):
    """`rule_set`: None where it is not known here. `lists`: named lists of rules. `bundle_path`: folder of the bundle, None
    where it is not known or not on this machine. `settings`: the job's, thresholds of the control stream included.
    `statistics`: file of the population statistics. `candidates`: rule sets that are evaluated beside it, by name.
    `tripped`: rules that a guardrail has put back to shadow, with what was crossed. `next_version`: of the
    rule set, above all that were published; 0 where that is not known."""

    rule_set: RuleSet | None = None
    lists: Lists = NO_LISTS
    bundle_path: Path | None = None
    settings: DecisionSettings = DecisionSettings()
    statistics: str | None = None
    candidates: Mapping[str, RuleSet] = NO_CANDIDATES
    tripped: Mapping[str, str] = MappingProxyType({})
    next_version: int = 0

    @property
    def effective(self) -> RuleSet | None:
        """The rule set as it decides: with the rules in shadow that guardrails put back."""
        if self.rule_set is None or not self.tripped:
            return self.rule_set
        rules = tuple(
            msgspec.structs.replace(rule, state="shadow", rollout=100) if rule.id in self.tripped else rule
            for rule in self.rule_set.rules
        )
        return msgspec.structs.replace(self.rule_set, rules=rules)

    def manifest(self) -> Manifest | None:
        """The bundle's, read from its folder when it has changed."""
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


def of_files(
    rule_set: RuleSet | None, bundle: str | None, settings: DecisionSettings, statistics: str | None, lists: str | None
) -> InForceRules:
    """What a scorer was started with. Lists that cannot be read are not known."""
    try:
        known = lists_of(lists)
    except ListFileError:
        known = NO_LISTS
    return InForceRules(
        rule_set=rule_set, lists=known, bundle_path=None if bundle is None else Path(bundle), settings=settings,
        statistics=statistics,
    )  # fmt: skip


def of_recorded(rule_set: RuleSet | None, job: JobConfig) -> InForceRules:
    """What a scored run was made with, by its configuration."""
    scoring = job.scoring
    try:
        settings = scorer_config(job).decision
    except ConfigError:
        settings = DecisionSettings()
    return of_files(rule_set, scoring.bundle, settings, scoring.statistics, scoring.lists)


@lru_cache(maxsize=8)
def _read_once(folder: Path, changed_ns: int) -> Manifest:
    """`changed_ns`: when its manifest was written, so that a new one is read."""
    return read_manifest(folder)


class InForceReader:
    """Asks what is in force, and keeps the answer for a moment, so that checking while somebody types asks the control
    stream seldom. Thread-safe."""

    def __init__(self, ask: Callable[[], InForceRules], now_ms: Callable[[], int]) -> None:
        self._ask = ask
        self._now_ms = now_ms
        self._lock = Lock()
        self._kept: tuple[int, InForceRules] | None = None

    def __call__(self) -> InForceRules:
        """At most KEEP_MS old. Raises ChannelError."""
        with self._lock:
            now_ms = self._now_ms()
            if self._kept is None or not 0 <= now_ms - self._kept[0] < KEEP_MS:
                self._kept = now_ms, self._ask()
            return self._kept[1]

    def forget(self) -> None:
        """Something was published: ask again."""
        with self._lock:
            self._kept = None
