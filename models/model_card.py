"""Writes a bundle's model card in Markdown: models, training data and metrics.

After "Model cards for model reporting" (Mitchell and others, 2019). It is generated from the manifest only, so equal
bundles have equal cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from udfs.scoring.bundle import Manifest

FILE = "model_card.md"
MOST_PATTERNS = 40


def write_model_card(manifest: Manifest, folder: Path) -> Path:
    """Write the card to the folder and return its path. Raises OSError."""
    path = folder / FILE
    path.write_text(model_card(manifest), encoding="utf-8", newline="\n")
    return path


def headline_of(manifest: Manifest) -> Iterator[str]:
    """Lines with the main figures, for the terminal."""
    training, (name, measured) = manifest.metrics["training"], measured_slice(manifest)
    yield f"{'learned from':24} {training['rows']:,} transactions, {training['frauds']:,} frauds"
    yield f"{'measured on':24} {measured['rows']:,} later transactions, {measured['frauds']:,} frauds ({name})"
    ensemble, decided = measured["scores"]["ensemble"], measured["decision"]
    yield f"{'AUC':24} {_number(ensemble['auc'])}"
    yield f"{'average precision':24} {_number(ensemble['average_precision'])}"
    yield f"{'  with the rules':24} {_number(decided['average_precision_of_risk_score'])}"
    yield f"{'card precision@100':24} {_number(measured['card_precision_at_100'])}"
    referred = decided["thresholds"]["refer"]
    yield (
        f"{'refer above':24} {referred['above']}: {referred['alerts_a_day']:.1f} alerts a day, precision "
        f"{_percent(referred['precision'])}, recall {_percent(referred['recall'])}"
    )
    for row in measured["sparse"][1:]:
        yield f"{row['view']:24} {_percent(row['legitimate_allowed'], 2)} of legitimate payments allowed"
    for budget in measured.get("alert_budgets", ()):
        words = f"{budget['budget_users_a_day']} users a day"
        yield f"{words:24} alert above {_number(budget['threshold'])}: recall {_percent(budget['recall'])}"


def measured_slice(manifest: Manifest) -> tuple[str, dict[str, Any]]:
    """Name and metrics of the slice to report: evaluation (unseen), or calibration (unseen by the first fit)."""
    metrics = manifest.metrics
    return ("evaluation", metrics["evaluation"]) if "evaluation" in metrics else ("calibration", metrics["calibration"])


def model_card(manifest: Manifest) -> str:
    """The card as text."""
    name, measured = measured_slice(manifest)
    training, blending = manifest.metrics["training"], manifest.metrics["blending"]
    settings = manifest.settings
    caution = (
        "No fit has seen these transactions."
        if name == "evaluation"
        else "The fit that was measured had not seen these transactions, but the blend was learned on them, and the "
        "bundle's models were fitted again with them. Measure later days with `fraud evaluate`."
    )
    lines = [
        f"# Model card: {manifest.name} {manifest.version}",
        "",
        "Gives each payment a calibrated probability of fraud, with reasons. For deciding which payments people look at or",
        "stop; not for judging persons, and not on data unlike what it learned from: train on your own history.",
        "",
        "| | |",
        "|---|---|",
        f"| models | XGBoost, {training['trees']} trees of depth {settings.get('depth')}; autoencoder "
        f"{' -> '.join(str(width) for width in settings.get('hidden_layers', ()))} of legitimate payments; learned blend |",
        f"| trees' settings | rate {settings.get('learning_rate')}, {_percent(settings.get('row_fraction'))} of the rows, "
        f"{_percent(settings.get('column_fraction'))} of the columns; {settings.get('why')} |",
        f"| sparse copies | {_percent(settings.get('sparse_share'))} of the rows again without some groups of features, "
        f"each counting {settings.get('sparse_weight')} |",
        f"| late copies | {_percent(settings.get('late_share'))} of the rows again as of a payment that arrives days late |",
        f"| blend | log-odds = {manifest.blend.margin:.3f} x trees' + {manifest.blend.log_error:.3f} x ln(anomaly) + "
        f"{manifest.blend.offset:.3f} |",
        f"| features | {len(manifest.feature_names)}, feature set {manifest.feature_set_version} (`fraud features`) |",
        f"| learned from | {training['rows']:,} transactions, {training['frauds']:,} frauds, before "
        f"{_moment(training['until_ms'])} |",
        f"| blended on | {blending['rows']:,} transactions, {blending['frauds']:,} frauds: average precision "
        f"{_number(blending['average_precision'])}, of the trees alone {_number(blending['average_precision_of_trees'])} |",
        f"| seed | {settings.get('seed')}: the same data on the same machine gives the same bytes |",
        "",
        f"## Measured on the {name} slice",
        "",
        f"{measured['rows']:,} transactions, {measured['frauds']:,} frauds, {_moment(measured['first_ms'])} to "
        f"{_moment(measured['last_ms'])}. {caution}",
        "",
        "| score | AUC | average precision | recall at 1 % false positives | at 3 % |",
        "|---|---|---|---|---|",
        *(
            f"| {score} | {_number(row['auc'])} | {_number(row['average_precision'])} | "
            + " | ".join(_percent(row["recall_at_false_positive_rate"][rate]) for rate in ("0.01", "0.03"))
            + " |"
            for score, row in measured["scores"].items()
        ),
        "",
        f"Card precision@100 {_number(measured['card_precision_at_100'])}, Brier score "
        f"{_number(measured['brier_score'], 5)}, mean calibration error "
        f"{_number(measured['expected_calibration_error'], 5)}.",
        "",
        "| alert above | alerts | precision | recall | F1 | false-positive rate | amount of fraud caught |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row['threshold']} | {row['alerts']:,} | {_percent(row['precision'])} | {_percent(row['recall'])} | "
            f"{_number(row['f1'])} | {_percent(row['false_positive_rate'])} | "
            f"{measured['fraud_amount_caught_above'][str(row['threshold'])]:,.0f} of {measured['fraud_amount']:,.0f} |"
            for row in measured["thresholds"]
        ),
        *_decided(manifest, measured["decision"]),
        *_sparse(measured["sparse"]),
        *_budgets(measured),
        *_patterns(measured),
        "",
        "## Limits",
        "",
        "- Probabilities are calibrated for the mix of payments and the share of fraud in the blending days.",
        "- A fraud counts as known only after the label delay: new patterns are seen late, by rules and autoencoder first.",
        "- Where a fraud pattern has few cases, its recall says little.",
    ]
    return "\n".join(lines) + "\n"


def _decided(manifest: Manifest, decided: dict[str, Any]) -> Iterator[str]:
    decision, blending = manifest.decision, manifest.metrics["blending"]
    yield from (
        "",
        "## The decision: model and rules in one probability",
        "",
        f"log-odds = {decision.model_weight:.3f} x model's + {decision.rules_weight:.3f} x rules' shift + "
        f"{decision.offset:.3f}. {_rules(manifest)} Average precision of the risk score "
        f"{_number(decided['average_precision_of_risk_score'])}, of the model alone "
        f"{_number(decided['average_precision_of_model'])}; calibration error of the risk score "
        f"{_number(decided['calibration_error'], 5)}.",
        "",
        f"Thresholds were chosen for: {_chosen_for(decision.budget.get('chosen_for', {}))}.",
        "",
        "| action | risk score above | alerts a day | precision | recall | false-positive rate | amount of fraud caught |",
        "|---|---|---|---|---|---|---|",
    )
    for action, row in decided["thresholds"].items():
        yield (
            f"| {action} | {row['above']} | {row['alerts_a_day']:.1f} | {_percent(row['precision'])} | "
            f"{_percent(row['recall'])} | {_percent(row['false_positive_rate'], 2)} | {row['amount_caught']:,.0f} of "
            f"{row['amount_of_frauds']:,.0f} |"
        )
    with_rules, without = blending["cross_fitted_with_rules"], blending["cross_fitted_without_rules"]
    if with_rules is not None:
        yield from (
            "",
            f"On each half of the blending days, by what the other half taught: average precision {_number(with_rules)} "
            f"with the rules, {_number(without)} without.",
        )


def _rules(manifest: Manifest) -> str:
    if not manifest.decision.rule_maps:
        return "No rules were asked."
    known = manifest.decision.rule_maps[-1]
    knots = ", ".join(f"{points}: {100 * rate:.2f} %" for points, rate in zip(known.points, known.rates, strict=True))
    return f"Fraud rate by points of the rule set {known.rule_set}, version {known.version}: {knots}."


def _chosen_for(budget: dict[str, Any]) -> str:
    kind = budget.get("kind")
    if kind == "false_positive_rate":
        return f"at most {_percent(budget['rate'], 2)} of legitimate payments referred"
    if kind == "alerts_per_day":
        return f"at most {budget['alerts']:g} alerts a day"
    if kind == "cost":
        return f"least cost, a review at {budget['review']:g} and a wrongly stopped payment at {budget['stop']:g}"
    return "nothing, they are fixed"


def _sparse(views: list[dict[str, Any]]) -> Iterator[str]:
    yield from (
        "",
        "## Input that is poorer than the training's",
        "",
        "The same transactions by the model alone, with what a view lacks unknown. Four columns are transaction, user, time "
        "and amount.",
        "",
        "| input | coverage | average precision | legitimate payments allowed | frauds referred | calibration error |",
        "|---|---|---|---|---|---|",
    )
    for row in views:
        yield (
            f"| {row['view']} | {_percent(row['coverage'])} | {_number(row['average_precision'])} | "
            f"{_percent(row['legitimate_allowed'], 2)} | {_percent(row['frauds_referred'])} | "
            f"{_number(row['calibration_error'], 5)} |"
        )


def _budgets(measured: dict[str, Any]) -> Iterator[str]:
    budgets = measured.get("alert_budgets")
    if not budgets:
        return
    yield from (
        "",
        "| budget, users a day | alert above probability | risk score above | users a day | precision | recall |",
        "|---|---|---|---|---|---|",
    )
    for row in budgets:
        yield (
            f"| {row['budget_users_a_day']} | {_number(row['threshold'], 4)} | {row['risk_score_above']} | "
            f"{row['users_a_day']:.1f} | {_percent(row['precision'])} | {_percent(row['recall'])} |"
        )


def _patterns(measured: dict[str, Any]) -> Iterator[str]:
    patterns = measured["patterns"]
    if set(patterns) <= {"unnamed"}:
        return
    yield from (
        "",
        "| fraud pattern | frauds | recall above 0.5 | at 3 % false positives: ensemble | trees | autoencoder |",
        "|---|---|---|---|---|---|",
    )
    for pattern in sorted(patterns, key=lambda name: -patterns[name]["frauds"])[:MOST_PATTERNS]:
        row = patterns[pattern]
        recalls = row["recall_at_false_positive_rate"]
        shares = [_percent(recalls[score]["0.03"]) for score in ("ensemble", "xgboost", "autoencoder")]
        yield f"| {pattern} | {row['frauds']} | {_percent(row['recall_above']['0.5'])} | {' | '.join(shares)} |"


def _number(value: float | None, digits: int = 3) -> str:
    return "not defined" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    return "not defined" if value is None else f"{100 * value:.{digits}f} %"


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
