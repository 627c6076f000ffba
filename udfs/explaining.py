"""Puts together what the reasons of an alert are made from: once for each bundle and rule set, then for each alert."""

from __future__ import annotations

from math import log
from typing import Any

from udfs.bundle import Manifest
from udfs.ensemble import Ensemble, Prediction
from udfs.judge import Judgement
from udfs.outputs import Reason
from udfs.reasoning.inputs import AlertInputs, RuleHit, ScoreParts, quantiles_of
from udfs.reasoning.rule_names import names_of_rules
from udfs.reasons import alert_reasons
from udfs.rules.rulebook import Rulebook, RuleResult
from udfs.score_blend import ScoreBlend
from udfs.scorer_config import ScorerConfig
from udfs.undecided import Undecided

CONTRIBUTIONS = 40
"""So many of the model's strongest features are looked at for reasons."""
USUAL_FRAUD_RATE = 0.01
"""Where the bundle does not tell how much of its data was fraud."""


class Explainer:
    """Explains by one bundle, blend and rule set. Immutable: any change makes a new one."""

    def __init__(self, config: ScorerConfig, ensemble: Ensemble, blend: ScoreBlend, rulebook: Rulebook) -> None:
        manifest = ensemble.bundle.manifest
        self._config = config
        self._ensemble = ensemble
        self._rulebook = rulebook
        self._rule_names = names_of_rules(rulebook.rule_set, manifest.feature_names)
        self._quantiles = quantiles_of(manifest.feature_names, manifest.quantiles)
        self._base_log_odds = blend.from_model(_fraud_rate(manifest))
        self._anomaly_weight = blend.model_weight * manifest.blend.log_error
        usual_error = sum(manifest.error_means) / max(1, len(manifest.error_means))
        self._usual_log_error = log(usual_error) if usual_error > 0.0 else 0.0

    def reasons(
        self,
        record: Undecided,
        judgement: Judgement,
        prediction: Prediction,
        result: RuleResult,
        population: dict[str, float],
        row: int,
    ) -> tuple[list[Reason], str]:
        """The reasons of a decision to act, strongest first, and why in one sentence. `row` is the record's number among
        those scored last."""
        config, observation = self._config, record.observation
        features, context = observation.features, observation.context
        explained = self._ensemble.explain(CONTRIBUTIONS, row)
        texts = self._rulebook.reasons(result, features, record.transaction, population)
        profile = context.user
        return alert_reasons(
            AlertInputs(
                transaction=record.transaction,
                features=features,
                probability=judgement.probability,
                parts=self._parts(judgement, prediction),
                contributions=[(name, value) for name, value, kind in explained if kind == "tree"],
                deviations=[(name, value) for name, value, kind in explained if kind == "anomaly"],
                hits=[
                    RuleHit(
                        rule.id,
                        text,
                        rule.points / result.points if result.points else 0.0,
                        self._rule_names[rule.id],
                        rule.action is not None and rule.action != "allow",
                    )
                    for rule, text in zip(result.hits, texts, strict=True)
                ],
                flags=record.flags,
                blocked=observation.blocked,
                unusual="unusual" in judgement.tags,
                quantiles=self._quantiles,
                base_currency=config.base_currency,
                base_rate=config.buckets.prior_fraud_rate,
                timezone=(profile.timezone if profile is not None else None) or config.default_timezone,
                limit=config.reasons_per_alert,
            )
        )

    def _parts(self, judgement: Judgement, prediction: Prediction) -> ScoreParts:
        """The reconstruction error's part is in the model's: what it adds for being greater than usual."""
        model = judgement.from_model - self._base_log_odds
        anomaly = 0.0
        if self._anomaly_weight > 0.0 and prediction.anomaly > 0.0:
            anomaly = max(0.0, self._anomaly_weight * (log(prediction.anomaly) - self._usual_log_error))
        return ScoreParts(model=model - anomaly, rules=judgement.from_rules, anomaly=anomaly)


def _fraud_rate(manifest: Manifest) -> float:
    """The share of fraud in the data that the bundle was made from."""
    description: dict[str, Any] = manifest.description
    frauds, transactions = description.get("frauds"), description.get("transactions")
    if isinstance(frauds, int) and isinstance(transactions, int) and 0 < frauds < transactions:
        return frauds / transactions
    return USUAL_FRAUD_RATE
