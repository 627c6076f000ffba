"""The summary as tables in a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reporting import words
from reporting.headline import alerts_note, headline, in_one_sentence
from reporting.meanings import MEANINGS
from reporting.summary import Accuracy, Summary

WIDTH = 100
MOST_ROWS = 20  # of a table; the page shows more
NAME_LENGTH = 32
REASON_LENGTH = 78


def print_summary(summary: Summary, console: Console) -> None:
    """Print the run's numbers, each table under its title, and last what the numbers mean."""
    for part in _parts(summary):
        console.print(part, width=min(WIDTH, console.width))
        console.print()


def _parts(summary: Summary) -> Iterable[Table | Text]:
    accuracy = summary.accuracy
    yield Text(f"{_name(summary.name, 60)}: ", "bold").append(in_one_sentence(summary), "not bold")
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
        table.add_row(figure.label, Text(figure.value, "bold"), Text(words.visible(figure.note), "dim"))
    late = [f"{words.count(summary.late)} late", f"{words.count(summary.repeated)} repeated"]
    late += [f"{words.count(row.count)} with {row.name} enrichment" for row in summary.enrichment[1:] if row.count]
    if summary.accuracy is not None:  # without truth it is a headline figure
        table.add_row("Alerts", Text(words.count(summary.alerts), "bold"), Text(alerts_note(summary), "dim"))
    flags = ", ".join(f"{words.count(row.notices)} {row.name}" for row in summary.flags)
    table.add_row("Flags without an action", Text(words.count(summary.flag_notices), "bold"), Text(flags, "dim"))
    if summary.mean_coverage is not None:
        low = f"{words.plural(summary.low_coverage, 'decision')} below the floor (low_coverage)"
        table.add_row("Coverage, mean", Text(words.percent(summary.mean_coverage), "bold"), Text(low, "dim"))
    if summary.cautious_rules:
        text = "decisions with points of rules that were never calibrated (`fraud rules calibrate`)"
        table.add_row("Cautious rules", Text(words.count(summary.cautious_rules), "bold"), Text(text, "dim"))
    table.add_row("Out of the ordinary", "", Text(", ".join(late), "dim"))
    return table


def _actions(summary: Summary) -> Table:
    has_truth = summary.accuracy is not None
    unit = words.visible(summary.amount_unit)
    table = _table(
        "Actions", "action", "transactions", "share", f"amount, {unit}", *(["known fraud"] if has_truth else [])
    )
    for row in summary.actions:
        cells = [words.count(row.count), words.percent(row.share), words.amount(row.amount)]
        table.add_row(words.ACTION_WORDS[row.action], *cells, *([words.count(row.frauds)] if has_truth else []))
    return table


def _detection(accuracy: Accuracy) -> Table:
    known = f"{words.plural(accuracy.labelled, 'transaction')} with known truth"
    table = _table(
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
            words.count(detection.caught),
            words.count(detection.missed),
            words.count(detection.false_alarms),
            words.percent(detection.precision),
            words.percent(detection.recall),
            words.ratio(detection.f1),
            words.percent(detection.false_positive_rate),
        )
    return table


def _rankings(accuracy: Accuracy) -> Table:
    table = _table("Scores, whatever the thresholds", "score", "AUC", "AP", "recall at 1% FPR", "at 3% FPR", "CP@100")
    for ranking in accuracy.rankings:
        table.add_row(
            ranking.score,
            words.ratio(ranking.auc),
            words.ratio(ranking.average_precision),
            words.percent(ranking.recall_at_1_percent_fpr),
            words.percent(ranking.recall_at_3_percent_fpr),
            words.ratio(ranking.card_precision_100),
        )
    if accuracy.calibration_error is not None:
        model = words.percent(accuracy.model_calibration_error)
        table.caption = (
            f"calibration error of the risk score {words.percent(accuracy.calibration_error)}, of the model {model}"
        )
        table.caption_justify = "left"
    if accuracy.best_card_precision_100 is not None:
        table.add_row("(best list)", "", "", "", "", words.ratio(accuracy.best_card_precision_100), style="dim")
    return table


def _patterns(accuracy: Accuracy) -> Table:
    table = _table(
        "Fraud by pattern", "pattern", "frauds", "caught", "recall", "hard-blocked", "missed", "amount missed"
    )
    for row in accuracy.patterns[:MOST_ROWS]:
        table.add_row(
            Text(_name(row.pattern).replace("_", " ")),
            words.count(row.frauds),
            words.count(row.caught),
            words.percent(row.recall),
            words.count(row.hard_block),
            words.count(row.missed),
            words.amount(row.amount_missed),
        )
    return _with_rest(table, len(accuracy.patterns))


def _losses(accuracy: Accuracy) -> Table:
    table = _table("Losses", "outcome", "transactions", "amount", "hard-blocked", "amount hard-blocked")
    for row in accuracy.losses:
        table.add_row(
            row.outcome,
            words.count(row.count),
            words.amount(row.amount),
            words.count(row.blocked),
            words.amount(row.amount_blocked),
        )
    return table


def _resolutions(accuracy: Accuracy) -> Table:
    table = _table("By resolution code", "code", "transactions", "amount", "stopped", "amount stopped")
    for row in accuracy.resolutions[:MOST_ROWS]:
        table.add_row(
            Text(_name(row.resolution_code)),
            words.count(row.count),
            words.amount(row.amount),
            words.count(row.stopped),
            words.amount(row.amount_stopped),
        )
    return _with_rest(table, len(accuracy.resolutions))


def _rules(summary: Summary) -> Table:
    has_truth = summary.accuracy is not None
    table = _table("Rules", "rule", "hits", "trigger rate", *(["detection", "precision"] if has_truth else []))
    for row in summary.rules[:MOST_ROWS]:
        cells = [words.percent(row.detection_rate), words.percent(row.precision)] if has_truth else []
        table.add_row(Text(_name(row.rule_id)), words.count(row.hits), words.percent(row.trigger_rate), *cells)
    return _with_rest(table, len(summary.rules))


def _dead_letters(summary: Summary) -> Table:
    table = _table("Dead letters", "reason", "records")
    for row in summary.dead_letter_classes[:MOST_ROWS]:
        table.add_row(Text(_name(row.reason, REASON_LENGTH)), words.count(row.count))
    return _with_rest(table, len(summary.dead_letter_classes))


def _footnote(has_truth: bool) -> Text:
    note = Text(style="dim")
    for item in MEANINGS:
        if has_truth or not item.needs_truth:
            note.append(item.term, "bold").append(f": {item.meaning}. ")
    if not has_truth:
        note.append("How much fraud was caught can be said once the truth is given (--truth).")
    return note


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    table.add_column(first, min_width=18, overflow="fold")
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _with_rest(table: Table, rows: int) -> Table:
    if rows > MOST_ROWS:
        table.add_row(Text(f"… and {words.count(rows - MOST_ROWS)} more, on the page", "dim"))
    return table


def _name(text: str, length: int = NAME_LENGTH) -> str:
    return words.shortened(words.visible(text), length)
