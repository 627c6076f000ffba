"""A bundle's model card: what it is, what it learned from and how well it does, in Markdown beside the bundle.

After "Model cards for model reporting" (Mitchell and others, 2019). Made from the manifest alone, so that the same bundle
has the same card.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from udfs.bundle import Manifest

FILE = "model_card.md"
MOST_PATTERNS = 40


def write_model_card(manifest: Manifest, folder: Path) -> Path:
    """Write the card; raises OSError."""
    path = folder / FILE
    path.write_text(model_card(manifest), encoding="utf-8", newline="\n")
    return path


def headline_of(manifest: Manifest) -> Iterator[str]:
    """The few figures that a terminal should show."""
    training, (name, measured) = manifest.metrics["training"], measured_slice(manifest)
    yield f"{'learned from':24} {training['rows']:,} transactions, {training['frauds']:,} frauds"
    yield f"{'measured on':24} {measured['rows']:,} later transactions, {measured['frauds']:,} frauds ({name})"
    ensemble = measured["scores"]["ensemble"]
    yield f"{'AUC':24} {_number(ensemble['auc'])}"
    yield f"{'average precision':24} {_number(ensemble['average_precision'])}"
    yield f"{'card precision@100':24} {_number(measured['card_precision_at_100'])}"
    for budget in measured.get("alert_budgets", ()):
        words = f"{budget['budget_users_a_day']} users a day"
        yield f"{words:24} alert above {_number(budget['threshold'])}: recall {_percent(budget['recall'])}"


def measured_slice(manifest: Manifest) -> tuple[str, dict[str, Any]]:
    """The slice that says most about the bundle: unseen by any fit, or by the fit before the last."""
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
        f"| models | XGBoost, {settings.get('trees')} trees of depth {settings.get('depth')}; autoencoder "
        f"{' -> '.join(str(width) for width in settings.get('hidden_layers', ()))} of legitimate payments; learned blend |",
        f"| blend | log-odds = {manifest.blend.margin:.3f} x trees' + {manifest.blend.log_error:.3f} x ln(reconstruction "
        f"error) + {manifest.blend.offset:.3f} |",
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


def _percent(value: float | None) -> str:
    return "not defined" if value is None else f"{100 * value:.1f} %"


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
