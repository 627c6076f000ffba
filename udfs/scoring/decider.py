"""What the core decides by: a bundle, a rule set, thresholds, and the control versions that decisions name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from udfs.core._native import Decider, Judge
from udfs.rules.population import Population
from udfs.rules.rule_map import RuleMap, find_rule_map
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import QUANTILE_LEVELS, DecisionModel, Manifest
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.explaining import fraud_rate_of
from udfs.scoring.settings import ScorerConfig


class Candidate(NamedTuple):
    """A rule set in shadow, and the version of the element that brought it."""

    version: int
    rulebook: Rulebook


def decider_of(
    config: ScorerConfig,
    manifest: Manifest,
    rulebook: Rulebook,
    population: Population,
    control_versions: dict[str, int],
    candidates: Mapping[str, Candidate],
) -> Decider:
    """The decider by a bundle, a rule set and settings, with candidates by name in shadow. Raises RuleMapError for an
    invalid map of a rule set."""
    return Decider(
        config.decision,
        judge_of(config.decision, manifest.decision, rulebook),
        {
            "rulebook": rulebook.core,
            "attributes": [(attribute.name, attribute.kind == "text") for attribute in manifest.attributes],
            "bundle_version": manifest.version,
            "base_currency": config.base_currency,
            "control_versions": list(control_versions.items()),
            "log_features": config.log_features,
            "feature_set": manifest.feature_set_version,
            "base_rate": config.buckets.prior_fraud_rate,
            "limit": config.reasons_per_alert,
            "fraud_rate": fraud_rate_of(manifest),
            "model_weight": manifest.decision.model_weight,
            "log_error": manifest.blend.log_error,
            "quantiles": known_quantiles(manifest),
            "population": population.core,
            "shadow_judge": judge_with_shadow(config.decision, manifest.decision, rulebook),
            "candidates": [
                (name, known.version, known.rulebook.core, judge_of(config.decision, manifest.decision, known.rulebook))
                for name, known in sorted(candidates.items())
            ],
        },
    )


def judge_of(settings: DecisionSettings, model: DecisionModel, rulebook: Rulebook) -> Judge:
    """The judge by a bundle's blend and its maps of the rules: of each combination of partial roll-outs that of the rules
    which are live in it. Raises RuleMapError for an invalid map."""
    partial = rulebook.core.partial_rollouts()
    whole = {rule.id for rule in rulebook.rule_set.rules if rule.is_live} - set(partial)
    combinations = [
        whole | {rule_id for bit, rule_id in enumerate(partial) if shares & 1 << bit}
        for shares in range(1 << len(partial))
    ]
    return _judge(settings, model, rulebook, combinations)


def judge_with_shadow(settings: DecisionSettings, model: DecisionModel, rulebook: Rulebook) -> Judge:
    """The judge as if all rules were live that are evaluated. Raises RuleMapError for an invalid map."""
    return _judge(settings, model, rulebook, [{rule.id for rule in rulebook.rule_set.rules if rule.is_evaluated}])


def _judge(
    settings: DecisionSettings, model: DecisionModel, rulebook: Rulebook, combinations: Iterable[set[str]]
) -> Judge:
    found: list[RuleMap] = []
    places: list[int | None] = []
    for rule_ids in combinations:
        rule_map = find_rule_map(model.rule_maps, rulebook.rule_set, rule_ids)
        if rule_map is not None and rule_map not in found:
            found.append(rule_map)
        places.append(None if rule_map is None else found.index(rule_map))
    maps = [(list(rule_map.points), list(rule_map.rates)) for rule_map in found]
    return Judge(settings, model, rulebook.core, maps, places)


def known_quantiles(manifest: Manifest) -> list[tuple[float | None, ...] | None]:
    """Of each feature its values at QUANTILE_LEVELS over legitimate training rows; None for a feature that has none."""
    known: list[tuple[float | None, ...] | None] = [None] * len(manifest.feature_names)
    for place, levels in enumerate(manifest.quantiles[: len(known)]):
        if len(levels) == len(QUANTILE_LEVELS) and any(level is not None for level in levels):
            known[place] = levels
    return known
