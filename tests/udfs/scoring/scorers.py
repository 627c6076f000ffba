"""Scorers with the shipped bundle and pack over records in memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from models.default_bundle import DEFAULT_BUNDLE
from udfs.core.learner import LearnerSettings, open_core
from udfs.features.feature_set import feature_set_of
from udfs.records.profiles import BlockEntry
from udfs.rules.pack_files import rule_set_of
from udfs.rules.population import Population
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import load_bundle
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.engine import Engine
from udfs.scoring.ensemble import Ensemble
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import MemoryStore
from udfs.stores.port import Record
from udfs.stores.record_source import MemorySource
from udfs.values.fx_rates import FxRate


@cache
def shipped_ensemble() -> Ensemble:
    features = feature_set_of(())
    return Ensemble(load_bundle(DEFAULT_BUNDLE, features.names, features.version))


def scorer_over(
    records: dict[str, Record],
    *,
    blocked: Iterable[BlockEntry] = (),
    rates: tuple[FxRate, ...] = (),
    decision: DecisionSettings | None = None,
    rules: str = "bank",
) -> Scorer:
    """A scorer without any user's state. `rules`: packs or files, with commas between."""
    config = ScorerConfig(decision=decision or DecisionSettings())
    features = feature_set_of(())
    source = MemorySource(MemoryStore(records))
    core = open_core(LearnerSettings(rates=rates, decision=config.decision), source)
    return Scorer(
        config,
        Engine(core, features, source, blocked),
        shipped_ensemble(),
        Rulebook.of(rule_set_of(rules), features.names),
        Population(),
        MemoryUserLogs(),
    )
