"""What decided a scored run: its rules, lists and bundle, where they are still there as they were."""

from __future__ import annotations

from pathlib import Path

import msgspec

from console.decides_with import NOT_KNOWN, DecidesWith
from console.replay_orders import ReplaySource
from jobs.config.errors import ConfigError
from jobs.config.recorded_run import load_recorded
from jobs.config.scoring import decision_settings, scorer_config, scorer_paths
from udfs.rules.list_files import ListFileError, lists_of
from udfs.rules.named_lists import NO_LISTS, Lists
from udfs.rules.pack_files import RuleFileError, rule_set_of

CONFIGURATION, FACTS = "job.yaml", "run.json"


class _Facts(msgspec.Struct):
    rules: str = ""


def what_decided(folder: Path) -> DecidesWith:
    """What a run's configuration decides with; the rule set only if it has the name and version that the run tells."""
    try:
        config = load_recorded(folder / CONFIGURATION, None)
        told = msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts).rules
        rule_set = rule_set_of(config.scoring.rules)
    except (ConfigError, RuleFileError, OSError, ValueError):
        return NOT_KNOWN
    scoring = config.scoring
    is_same = f"{rule_set.name} {rule_set.version}" == told
    return DecidesWith(
        rules=rule_set if is_same else None, bundle_path=Path(scoring.bundle), lists=_lists(scoring.lists),
        settings=decision_settings(config), statistics=scoring.statistics,
    )  # fmt: skip


def _lists(path: str | None) -> Lists:
    """None if they cannot be read any more: rules that refer to them cannot be tried then."""
    try:
        return lists_of(path)
    except ListFileError:
        return NO_LISTS


def replay_source(folder: Path) -> ReplaySource | None:
    """What a run's configuration decides with; None if it cannot be read."""
    try:
        config = load_recorded(folder / CONFIGURATION, None)
        return ReplaySource(scorer_config(config), scorer_paths(config))
    except ConfigError:
        return None
