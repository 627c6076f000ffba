"""Prints the summary as tables, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reporting import formatting
from reporting.headline import alerts_note, headline, run_sentence
from reporting.meanings import MEANINGS
from reporting.summary import Accuracy, Summary
from reporting.terminal_table import MOST_ROWS, WIDTH, fit, table_of, with_rest

NAME_LENGTH = 32
REASON_LENGTH = 78


def print_summary(summary: Summary, console: Console) -> None:
    """Print all tables of the summary, and the definitions of the terms."""
    width = min(WIDTH, console.width)
    for part in _parts(summary):
        if isinstance(part, Table):
            fit(part, width, console)
        console.print(part, width=width)
        console.print()


def _parts(summary: Summary) -> Iterable[Table | Text]:
    accuracy = summary.accuracy
    yield Text(f"{_name(summary.name, 60)}: ", "bold").append(run_sentence(summary), "not bold")
    yield _overview(summary)
    yield _actions(summary)
    if accuracy is not None:
        yield _detection(accuracy)
        yield _rankings(accuracy)
        if accuracy.patterns:
            yield _patterns(accuracy)
        yield _losses(accuracy)
        if accuracy.resolutions:
            yield _resolutions(accuracy)
    if summary.rules:
        yield _rules(summary)
    if summary.dead_letter_classes:
        yield _dead_letters(summary)
    yield _footnote(accuracy is not None)


def _overview(summary: Summary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for figure in headline(summary):
        table.add_row(figure.label, Text(figure.value, "bold"), Text(formatting.visible(figure.note), "dim"))
    late = [f"{formatting.count(summary.late)} late", f"{formatting.count(summary.repeated)} repeated"]
    late += [f"{formatting.count(row.count)} with {row.name} enrichment" for row in summary.enrichment[1:] if row.count]
    if summary.accuracy is not None:  # without truth this is a headline figure
        table.add_row("Alerts", Text(formatting.count(summary.alerts), "bold"), Text(alerts_note(summary), "dim"))
    flags = ", ".join(f"{formatting.count(row.notices)} {row.name}" for row in summary.flags)
    table.add_row("Flags without an action", Text(formatting.count(summary.flag_notices), "bold"), Text(flags, "dim"))
    if summary.mean_coverage is not None:
        low = f"{formatting.plural(summary.low_coverage, 'decision')} below the floor (low_coverage)"
        table.add_row("Coverage, mean", Text(formatting.percent(summary.mean_coverage), "bold"), Text(low, "dim"))
    if summary.cautious_rules:
        text = "decisions with points of rules that were never calibrated (`fraud rules calibrate`)"
        table.add_row("Cautious rules", Text(formatting.count(summary.cautious_rules), "bold"), Text(text, "dim"))
    table.add_row("Exceptions", "", Text(", ".join(late), "dim"))
    return table


def _actions(summary: Summary) -> Table:
    has_truth = summary.accuracy is not None
    unit = formatting.visible(summary.amount_unit)
    table = table_of(
        "Actions", "action", "transactions", "share", f"amount, {unit}", *(["known fraud"] if has_truth else [])
    )
    for row in summary.actions:
        cells = [formatting.count(row.count), formatting.percent(row.share), formatting.amount(row.amount)]
        table.add_row(
            formatting.ACTION_LABELS[row.action], *cells, *([formatting.count(row.frauds)] if has_truth else [])
        )
    return table


def _detection(accuracy: Accuracy) -> Table:
    known = f"{formatting.plural(accuracy.labelled, 'transaction')} with known truth"
    table = table_of(
        f"Detection, over {known}", "alert", "caught", "missed", "false alarms", "precision", "recall", "F1", "FPR"
    )
    for name, detection in (
        ("any action", accuracy.alerts),
        ("hard block", accuracy.hard_blocks),
        ("score > 500", accuracy.by_risk_score),
        ("model > 500", accuracy.by_model),
    ):
        table.add_row(
            name,
            formatting.count(detection.caught),
            formatting.count(detection.missed),
            formatting.count(detection.false_alarms),
            formatting.percent(detection.precision),
            formatting.percent(detection.recall),
            formatting.ratio(detection.f1),
            formatting.percent(detection.false_positive_rate),
        )
    return table


def _rankings(accuracy: Accuracy) -> Table:
    table = table_of(
        "Scores, independent of thresholds", "score", "AUC", "AP", "recall at 1% FPR", "at 3% FPR", "CP@100"
    )
    for ranking in accuracy.rankings:
        table.add_row(
            ranking.score,
            formatting.ratio(ranking.auc),
            formatting.ratio(ranking.average_precision),
            formatting.percent(ranking.recall_at_1_percent_fpr),
            formatting.percent(ranking.recall_at_3_percent_fpr),
            formatting.ratio(ranking.card_precision_100),
        )
    if accuracy.calibration_error is not None:
        risk_score = formatting.percent(accuracy.calibration_error)
        model = formatting.percent(accuracy.model_calibration_error)
        table.caption = f"calibration error of the risk score {risk_score}, of the model {model}"
        table.caption_justify = "left"
    if accuracy.best_card_precision_100 is not None:
        table.add_row("(best list)", "", "", "", "", formatting.ratio(accuracy.best_card_precision_100), style="dim")
    return table


def _patterns(accuracy: Accuracy) -> Table:
    table = table_of(
        "Fraud by pattern", "pattern", "frauds", "caught", "recall", "hard-blocked", "missed", "amount missed"
    )
    for row in accuracy.patterns[:MOST_ROWS]:
        table.add_row(
            Text(_name(row.pattern).replace("_", " ")),
            formatting.count(row.frauds),
            formatting.count(row.caught),
            formatting.percent(row.recall),
            formatting.count(row.hard_block),
            formatting.count(row.missed),
            formatting.amount(row.amount_missed),
        )
    return with_rest(table, len(accuracy.patterns))


def _losses(accuracy: Accuracy) -> Table:
    table = table_of("Losses", "outcome", "transactions", "amount", "hard-blocked", "amount hard-blocked")
    for row in accuracy.losses:
        table.add_row(
            row.outcome,
            formatting.count(row.count),
            formatting.amount(row.amount),
            formatting.count(row.blocked),
            formatting.amount(row.amount_blocked),
        )
    return table


def _resolutions(accuracy: Accuracy) -> Table:
    table = table_of("By resolution code", "code", "transactions", "amount", "stopped", "amount stopped")
    for row in accuracy.resolutions[:MOST_ROWS]:
        table.add_row(
            Text(_name(row.resolution_code)),
            formatting.count(row.count),
            formatting.amount(row.amount),
            formatting.count(row.stopped),
            formatting.amount(row.amount_stopped),
        )
    return with_rest(table, len(accuracy.resolutions))


def _rules(summary: Summary) -> Table:
    has_truth = summary.accuracy is not None
    table = table_of("Rules", "rule", "hits", "trigger rate", *(["detection", "precision"] if has_truth else []))
    for row in summary.rules[:MOST_ROWS]:
        cells = [formatting.percent(row.detection_rate), formatting.percent(row.precision)] if has_truth else []
        table.add_row(
            Text(_name(row.rule_id)), formatting.count(row.hits), formatting.percent(row.trigger_rate), *cells
        )
    return with_rest(table, len(summary.rules))


def _dead_letters(summary: Summary) -> Table:
    table = table_of("Dead letters", "reason", "records")
    for row in summary.dead_letter_classes[:MOST_ROWS]:
        table.add_row(Text(_name(row.reason, REASON_LENGTH)), formatting.count(row.count))
    return with_rest(table, len(summary.dead_letter_classes))


def _footnote(has_truth: bool) -> Text:
    note = Text(style="dim")
    for item in MEANINGS:
        if has_truth or not item.needs_truth:
            note.append(item.term, "bold").append(f": {item.meaning}. ")
    if not has_truth:
        note.append("Detection figures need the truth (--truth).")
    return note


def _name(text: str, length: int = NAME_LENGTH) -> str:
    return formatting.shortened(formatting.visible(text), length)
