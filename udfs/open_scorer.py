"""Builds a scorer from its files: the one way in for the job, the replay, tests and the API."""

from __future__ import annotations

from pathlib import Path

from udfs.attributes import Attribute
from udfs.block_list import BlockList
from udfs.bundle import load_bundle, read_manifest
from udfs.ensemble import Ensemble
from udfs.feature_engine import FeatureEngine
from udfs.features.feature_set import feature_set_of
from udfs.fx_file import load_fx_rates
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.rules.pack_files import load_rule_set, pack_names, shipped_pack
from udfs.rules.population import load_population
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scorer import Scorer
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.stores.cache import CachedEnrichment
from udfs.stores.clocks import Clocks
from udfs.stores.completeness import HistoriesOf
from udfs.stores.memory import load_block_list, load_reference
from udfs.stores.opening import open_for_scoring, open_store
from udfs.stores.port import Enrichment, StoreError
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.user_log import UserLog
from udfs.user_state import UserStates


def open_engine(
    config: ScorerConfig,
    paths: ScorerPaths,
    user_log: UserLog,
    clocks: Clocks | None = None,
    attributes: tuple[Attribute, ...] = (),
) -> FeatureEngine:
    """The part of a scorer that makes features, with those of the attributes; a remote store needs `clocks`.

    Raises StoreError, FxFileError.
    """
    enrichment, block_list = _open_enrichment(config, paths, clocks)
    rates = load_fx_rates(Path(paths.fx_rates)) if paths.fx_rates else ()
    return FeatureEngine(
        UserStates(user_log, config.state),
        enrichment,
        block_list,
        Money(config.base_currency, rates),
        LocalTime(config.default_timezone),
        config.buckets,
        attributes,
    )


def open_scorer(config: ScorerConfig, paths: ScorerPaths, user_log: UserLog, clocks: Clocks | None = None) -> Scorer:
    """Load bundle, rules, statistics and reference files. Raises BundleError, RuleFileError, PopulationError,
    StoreError, FxFileError; each message says what to change."""
    attributes = read_manifest(Path(paths.bundle)).attributes
    features = feature_set_of(attributes)
    bundle = load_bundle(Path(paths.bundle), features.names, features.version)
    return Scorer(
        config,
        open_engine(config, paths, user_log, clocks, attributes),
        Ensemble(bundle),
        Rulebook.of(rule_set_of(paths.rules), frozenset(features.names)),
        load_population(Path(paths.statistics) if paths.statistics else None),
        _open_publisher(config, paths, clocks),
    )


def _open_enrichment(config: ScorerConfig, paths: ScorerPaths, clocks: Clocks | None) -> tuple[Enrichment, BlockList]:
    reference = Path(paths.reference) if paths.reference else None
    if paths.store is None:
        loaded = load_reference(reference, config.buckets, Path(paths.histories) if paths.histories else None)
        return loaded.store, loaded.block_list
    clocks = _required(clocks)
    block_list = load_block_list(reference)
    store = open_for_scoring(paths.store, config.buckets, clocks)
    histories = HistoriesOf(store, clocks.monotonic_ms)
    return CachedEnrichment(histories, config.cache, clocks.monotonic_ms, store.close), block_list


def _open_publisher(config: ScorerConfig, paths: ScorerPaths, clocks: Clocks | None) -> OnlineFeaturePublisher | None:
    """With connections of its own: a look-up never waits for a flush."""
    if config.online_features is None:
        return None
    if paths.store is None:
        raise StoreError("online features need a remote store")
    clocks = _required(clocks)
    store = open_store(paths.store, config.buckets, clocks)
    return OnlineFeaturePublisher(store, config.online_features, clocks.monotonic_ms, store.close)


def _required(clocks: Clocks | None) -> Clocks:
    if clocks is None:
        raise StoreError("a remote store needs clocks")
    return clocks


def rule_set_of(rules: str) -> RuleSet:
    """A shipped pack by its name, or else a rule file. Raises RuleFileError."""
    return shipped_pack(rules) if rules in pack_names() else load_rule_set(Path(rules))
