"""What the core decides by: a bundle, a rule set, thresholds, and the control versions that decisions name."""

from __future__ import annotations

from udfs.core._native import Decider, Judge
from udfs.rules.population import Population
from udfs.rules.rule_map import find_rule_map
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import QUANTILE_LEVELS, DecisionModel, Manifest
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.explaining import fraud_rate_of
from udfs.scoring.settings import ScorerConfig


def decider_of(
    config: ScorerConfig,
    manifest: Manifest,
    rulebook: Rulebook,
    population: Population,
    control_versions: dict[str, int],
) -> Decider:
    """The decider by a bundle, a rule set and settings. Raises RuleMapError for an invalid map of the rule set."""
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
        },
    )


def judge_of(settings: DecisionSettings, model: DecisionModel, rulebook: Rulebook) -> Judge:
    """The judge by a bundle's blend and map of the rule set. Raises RuleMapError for an invalid map."""
    rule_map = find_rule_map(model.rule_maps, rulebook.rule_set)
    points = None if rule_map is None else (list(rule_map.points), list(rule_map.rates))
    return Judge(settings, model, rulebook.core, points)


def known_quantiles(manifest: Manifest) -> list[tuple[float | None, ...] | None]:
    """Of each feature its values at QUANTILE_LEVELS over legitimate training rows; None for a feature that has none."""
    known: list[tuple[float | None, ...] | None] = [None] * len(manifest.feature_names)
    for place, levels in enumerate(manifest.quantiles[: len(known)]):
        if len(levels) == len(QUANTILE_LEVELS) and any(level is not None for level in levels):
            known[place] = levels
    return known
