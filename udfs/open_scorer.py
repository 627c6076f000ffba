"""Builds a scorer from its files: the one way in for the job, the replay, tests and the API."""

from __future__ import annotations

from pathlib import Path

from udfs.bundle import load_bundle
from udfs.ensemble import Ensemble
from udfs.feature_engine import FeatureEngine
from udfs.features.catalogue import FEATURE_SET_VERSION, NAMES
from udfs.fx_file import load_fx_rates
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.rules.pack_files import load_rule_set, pack_names, shipped_pack
from udfs.rules.population import load_population
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scorer import Scorer
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.stores.memory import load_reference
from udfs.user_log import UserLog
from udfs.user_state import UserStates


def open_engine(config: ScorerConfig, paths: ScorerPaths, user_log: UserLog) -> FeatureEngine:
    """The part of a scorer that makes features. Raises StoreError, FxFileError."""
    reference = load_reference(
        Path(paths.reference) if paths.reference else None,
        config.buckets,
        Path(paths.histories) if paths.histories else None,
    )
    rates = load_fx_rates(Path(paths.fx_rates)) if paths.fx_rates else ()
    return FeatureEngine(
        UserStates(user_log, config.state),
        reference.store,
        reference.block_list,
        Money(config.base_currency, rates),
        LocalTime(config.default_timezone),
        config.buckets,
    )


def open_scorer(config: ScorerConfig, paths: ScorerPaths, user_log: UserLog) -> Scorer:
    """Load bundle, rules, statistics and reference files. Raises BundleError, RuleFileError, PopulationError,
    StoreError, FxFileError; each message says what to change."""
    bundle = load_bundle(Path(paths.bundle), NAMES, FEATURE_SET_VERSION)
    return Scorer(
        config,
        open_engine(config, paths, user_log),
        Ensemble(bundle),
        Rulebook.of(rule_set_of(paths.rules), frozenset(NAMES)),
        load_population(Path(paths.statistics) if paths.statistics else None),
    )


def rule_set_of(rules: str) -> RuleSet:
    """A shipped pack by its name, or else a rule file. Raises RuleFileError."""
    return shipped_pack(rules) if rules in pack_names() else load_rule_set(Path(rules))
