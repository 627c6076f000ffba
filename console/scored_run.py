"""What decided a scored run: its rule set and its bundle, where they are still there as they were."""

from __future__ import annotations

from pathlib import Path

import msgspec

from console.replay_orders import ReplaySource
from jobs.config.errors import ConfigError
from jobs.config.recorded_run import load_recorded
from jobs.config.scoring import scorer_config, scorer_paths
from udfs.rules.pack_files import RuleFileError, rule_set_of
from udfs.rules.rule_set import RuleSet

CONFIGURATION, FACTS = "job.yaml", "run.json"


class _Facts(msgspec.Struct):
    rules: str = ""


def what_decided(folder: Path) -> tuple[RuleSet | None, Path | None]:
    """The rule set of a run's configuration, if it has the name and version that the run tells, and its bundle's folder."""
    try:
        scoring = load_recorded(folder / CONFIGURATION, None).scoring
        told = msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts).rules
        rule_set = rule_set_of(scoring.rules)
    except (ConfigError, RuleFileError, OSError, ValueError):
        return None, None
    is_same = f"{rule_set.name} {rule_set.version}" == told
    return rule_set if is_same else None, Path(scoring.bundle)


def replay_source(folder: Path) -> ReplaySource | None:
    """What a run's configuration decides with; None if it cannot be read."""
    try:
        config = load_recorded(folder / CONFIGURATION, None)
        return ReplaySource(scorer_config(config), scorer_paths(config))
    except ConfigError:
        return None
