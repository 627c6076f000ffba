"""Computes all numbers of a report; the terminal and the page only format them."""

from __future__ import annotations

import msgspec
import numpy as np

from reporting.activity import (
    ActionRow,
    FlagRow,
    NamedCount,
    action_rows,
    alerts_per_day,
    distinct,
    enrichment_rows,
    flag_rows,
)
from reporting.dead_letters import DeadLetterClass
from reporting.decisions import Decisions, has_tag
from reporting.detection import (
    Detection,
    Ranking,
    best_card_precision,
    brier,
    calibration_error,
    detection_by_score,
    detection_from,
    rankings,
)
from reporting.losses import LossRow, ResolutionRow, loss_rows, resolution_rows
from reporting.pattern_table import PatternRow, pattern_rows
from reporting.points_table import PointsRow, points_rows
from reporting.rule_table import RuleRow, rule_rows
from reporting.run_facts import LatencyMs
from reporting.run_files import Run
from reporting.truth import Outcomes
from udfs.rules.rule_map import RuleMap
from udfs.scoring.input_coverage import InputCoverage

MIXED_CURRENCIES = "in mixed currencies"
BASE_CURRENCY = "in the base currency"


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that need the truth, over the `labelled` transactions only."""

    labelled: int
    unlabelled: int
    frauds: int
    amount_of_frauds: float
    unscored: int  # transactions of the truth that have no decision
    unscored_frauds: int
    alerts: Detection  # caught = any action but allow
    hard_blocks: Detection  # caught = hard block
    by_risk_score: Detection  # caught = risk score above 500
    by_model: Detection  # caught = the model's probability above 0.5
    rankings: tuple[Ranking, ...]
    best_card_precision_100: float | None
    brier_score: float | None  # of the risk score
    calibration_error: float | None  # of the risk score
    model_calibration_error: float | None
    patterns: tuple[PatternRow, ...]
    losses: tuple[LossRow, ...]
    resolutions: tuple[ResolutionRow, ...]

    @property
    def amount_saved(self) -> float:
        """The amount of the frauds that were stopped, in major units."""
        return self.losses[0].amount

    @property
    def amount_lost(self) -> float:
        """The amount of the frauds that were allowed, in major units."""
        return self.losses[1].amount


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a run. None = not known (not recorded, or not defined). Amounts in major units."""

    name: str
    transactions: int
    users: int
    first_time_ms: int | None
    last_time_ms: int | None
    amount: float
    amount_unit: str
    duplicates: int
    repeated: int
    late: int
    stale_history: int
    dead_letters: int
    dead_letter_classes: tuple[DeadLetterClass, ...]
    seconds: float | None
    transactions_per_second: float | None
    latency_ms: LatencyMs | None
    actions: tuple[ActionRow, ...]
    alerts: int
    alerts_per_day: float | None
    alerts_on_account_changes: int
    alerts_by_flag_alone: int
    unusual_alerts: int  # with tag `unusual`
    flag_notices: int
    flags: tuple[FlagRow, ...]
    low_coverage: int
    mean_coverage: float | None
    cautious_rules: int  # decisions with tag `cautious_rules`: points without a rule map contributed
    points: tuple[PointsRow, ...]
    input_coverage: InputCoverage | None
    rule_map: RuleMap | None
    enrichment: tuple[NamedCount, ...]
    rules: tuple[RuleRow, ...]
    bundles: tuple[str, ...]
    rule_versions: tuple[int, ...]
    accuracy: Accuracy | None

    @property
    def stopped(self) -> int:
        """Transactions with any action but allow."""
        return sum(row.count for row in self.actions if row.action != "allow")


def summarize(run: Run) -> Summary:
    """The summary of a run. Without truth, `accuracy` and the rules' detection and precision are None."""
    decisions, outcomes, facts, alerts = run.decisions, run.outcomes, run.facts, run.alerts
    count = len(decisions.key)
    rate = facts.transactions_per_second
    if rate is None and facts.seconds:
        rate = count / facts.seconds
    return Summary(
        name=run.name,
        transactions=count,
        users=distinct(decisions.user),
        first_time_ms=int(decisions.time_ms.min()) if count else None,
        last_time_ms=int(decisions.time_ms.max()) if count else None,
        amount=float(decisions.amount.sum()),
        amount_unit=_amount_unit(decisions, facts.base_currency),
        duplicates=decisions.duplicates,
        repeated=decisions.repeated,
        late=int(decisions.late.sum()),
        stale_history=int(decisions.stale_history.sum()),
        dead_letters=run.dead_letters.count,
        dead_letter_classes=run.dead_letters.classes,
        seconds=facts.seconds,
        transactions_per_second=rate,
        latency_ms=facts.latency_ms,
        actions=action_rows(decisions, outcomes),
        alerts=len(alerts.action),
        alerts_on_account_changes=int((~alerts.on_transaction).sum()),
        alerts_by_flag_alone=int((alerts.on_transaction & (alerts.action == 0)).sum()),
        alerts_per_day=alerts_per_day(alerts, decisions),
        unusual_alerts=int(has_tag(alerts.tag_bits, "unusual").sum()),
        flag_notices=len(run.flag_notices.flag_bits),
        flags=flag_rows(decisions, run.flag_notices, alerts),
        low_coverage=int(has_tag(decisions.tag_bits, "low_coverage").sum()),
        mean_coverage=_mean_coverage(decisions),
        cautious_rules=int(has_tag(decisions.tag_bits, "cautious_rules").sum()),
        points=points_rows(decisions, outcomes, facts.rule_map),
        input_coverage=facts.input_coverage,
        rule_map=facts.rule_map,
        enrichment=enrichment_rows(decisions),
        rules=rule_rows(decisions, outcomes, facts.rule_ids),
        bundles=decisions.bundles,
        rule_versions=decisions.rule_versions,
        accuracy=_accuracy(decisions, outcomes) if outcomes is not None else None,
    )


def _accuracy(decisions: Decisions, outcomes: Outcomes) -> Accuracy:
    return Accuracy(
        labelled=int(outcomes.known.sum()),
        unlabelled=int((~outcomes.known).sum()),
        frauds=int(outcomes.is_fraud.sum()),
        amount_of_frauds=float(decisions.amount[outcomes.is_fraud].sum()),
        unscored=outcomes.unscored,
        unscored_frauds=outcomes.unscored_frauds,
        alerts=detection_from("refer_to_analyst", decisions, outcomes),
        hard_blocks=detection_from("hard_block", decisions, outcomes),
        by_risk_score=detection_by_score("risk score", decisions, outcomes),
        by_model=detection_by_score("model", decisions, outcomes),
        rankings=rankings(decisions, outcomes),
        best_card_precision_100=best_card_precision(decisions, outcomes),
        brier_score=brier(decisions.risk_probability, outcomes),
        calibration_error=calibration_error(decisions.risk_probability, outcomes),
        model_calibration_error=calibration_error(decisions.probability, outcomes),
        patterns=pattern_rows(decisions, outcomes),
        losses=loss_rows(decisions, outcomes),
        resolutions=resolution_rows(decisions, outcomes),
    )


def _mean_coverage(decisions: Decisions) -> float | None:
    """Mean coverage of the decisions that have one; None if none has."""
    known = decisions.coverage[~np.isnan(decisions.coverage)]
    return float(known.mean()) if len(known) else None


def _amount_unit(decisions: Decisions, base_currency: str | None) -> str:
    if decisions.amounts_mixed:
        return MIXED_CURRENCIES
    if len(decisions.currencies) == 1:
        return decisions.currencies[0]
    return base_currency or BASE_CURRENCY
