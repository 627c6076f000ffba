"""Builds a scorer or a replayer from its files, for the job, replays and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from udfs.control.block_list import BlockList
from udfs.core.learner import LearnerSettings, open_core
from udfs.core.replayer import Replayer
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.records.codec import decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.rules.list_files import ListFileError, lists_of
from udfs.rules.pack_files import RuleFileError, rulebook_of
from udfs.rules.population import PopulationError, load_population
from udfs.scoring.bundle import BundleError, load_bundle, read_manifest
from udfs.scoring.engine import Engine
from udfs.scoring.ensemble import Ensemble
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import UserLog
from udfs.stores.clocks import Clocks
from udfs.stores.completeness import CompletenessTracker
from udfs.stores.memory import load_block_list, load_reference
from udfs.stores.opening import open_for_scoring, open_store
from udfs.stores.port import StoreError
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.stores.record_source import MemorySource, RecordSource, RemoteSource
from udfs.values.fx_rates import FxFileError, load_fx_rates

OPENING_ERRORS = (BundleError, RuleFileError, ListFileError, PopulationError, StoreError, FxFileError)
"""What `open_scorer` raises, each with cause and remedy."""


def open_replayer(
    config: ScorerConfig, paths: ScorerPaths, attributes: tuple[Attribute, ...] = (), with_rules: bool = False,
    windows: Sequence[str] = (), with_facts: bool = False,
) -> Replayer:  # fmt: skip
    """A replayer with the features of the attributes, over files; `with_rules`: and the points of the paths' rules;
    `windows`: and these windows of conditions, such as `count(last 7 days)`; `with_facts`: and the facts.

    Raises RuleFileError, ListFileError, PopulationError, StoreError, FxFileError, each with cause and remedy.
    """
    source, block_list = _open_source(config, paths, None)
    rules = None
    if with_rules:
        rulebook = rulebook_of(paths.rules, feature_set_of(attributes).names, lists_of(paths.lists))
        population = load_population(Path(paths.statistics) if paths.statistics else None)
        rules = (rulebook.core, population.core)
    return Replayer(
        _learner_settings(config, paths, attributes), source, block_list.entries(), rules, windows, with_facts
    )


def open_scorer(
    config: ScorerConfig,
    paths: ScorerPaths,
    user_log: UserLog,
    clocks: Clocks | None = None,
    decode: EventDecoder = decode_event,
) -> Scorer:
    """Load bundle, rules, statistics and reference files. `decode`: decoder of the source. Blocks while loading.

    Raises OPENING_ERRORS.
    """
    attributes = read_manifest(Path(paths.bundle)).attributes
    features = feature_set_of(attributes)
    bundle = load_bundle(Path(paths.bundle), features.names, features.version)
    source, block_list = _open_source(config, paths, clocks)
    return Scorer(
        config,
        Engine(open_core(_learner_settings(config, paths, attributes), source), features, source, block_list.entries()),
        Ensemble(bundle),
        rulebook_of(paths.rules, features.names, lists_of(paths.lists)),
        load_population(Path(paths.statistics) if paths.statistics else None),
        user_log,
        _open_publisher(config, paths, clocks),
        decode,
    )


def _learner_settings(config: ScorerConfig, paths: ScorerPaths, attributes: tuple[Attribute, ...]) -> LearnerSettings:
    return LearnerSettings(
        state=config.state,
        cache_bytes=config.user_cache_bytes,
        buckets=config.buckets,
        cache=config.cache if paths.store is not None else None,
        base_currency=config.base_currency,
        rates=load_fx_rates(Path(paths.fx_rates)) if paths.fx_rates else (),
        default_timezone=config.default_timezone,
        attributes=attributes,
        decision=config.decision,
        latest_timestamp_ms=config.admission.latest_timestamp_ms,
        future_tolerance_ms=config.admission.future_tolerance_ms,
    )


def _open_source(config: ScorerConfig, paths: ScorerPaths, clocks: Clocks | None) -> tuple[RecordSource, BlockList]:
    reference = Path(paths.reference) if paths.reference else None
    if paths.store is None:
        loaded = load_reference(reference, config.buckets, Path(paths.histories) if paths.histories else None)
        return MemorySource(loaded.store), loaded.block_list
    clocks = _require_clocks(clocks)
    block_list = load_block_list(reference)
    store = open_for_scoring(paths.store, config.buckets, clocks)
    histories = CompletenessTracker(store, clocks.monotonic_ms)
    return RemoteSource(histories, config.cache, clocks.monotonic_ms, store.close), block_list


def _open_publisher(config: ScorerConfig, paths: ScorerPaths, clocks: Clocks | None) -> OnlineFeaturePublisher | None:
    """The publisher of online features, with its own connections, so that look-ups do not wait for it; None if disabled."""
    if config.online_features is None:
        return None
    if paths.store is None:
        raise StoreError("online features need a remote store")
    clocks = _require_clocks(clocks)
    store = open_store(paths.store, config.buckets, clocks)
    return OnlineFeaturePublisher(store, config.online_features, clocks.monotonic_ms, store.close)


def _require_clocks(clocks: Clocks | None) -> Clocks:
    if clocks is None:
        raise StoreError("a remote store needs clocks")
    return clocks
