"""The headline figures of a report, and the summary sentence."""

from __future__ import annotations

import msgspec

from reporting.formatting import amount, count, milliseconds, percent, plural, rate
from reporting.summary import Accuracy, Summary


class Figure(msgspec.Struct, frozen=True):
    """One headline figure: `raw` is the number, `value` its formatted text, `note` what it counts."""

    key: str
    label: str
    raw: float | int | None
    value: str
    note: str


def run_sentence(summary: Summary) -> str:
    """The result of the run in one or two sentences."""
    accuracy = summary.accuracy
    if not summary.transactions:
        return "No transaction was scored."
    if accuracy is None:
        return (
            f"Of {plural(summary.transactions, 'transaction')}, {count(summary.stopped)} got another action than allow. "
            "How many of them were fraud is not known without the truth."
        )
    if not accuracy.frauds:
        return (
            f"There was no fraud among {plural(accuracy.labelled, 'transaction')} with known truth; "
            f"{plural(accuracy.alerts.false_alarms, 'legitimate one')} got another action than allow."
        )
    alerts = accuracy.alerts
    return (
        f"Of {plural(accuracy.frauds, 'fraud')} among {plural(accuracy.labelled, 'transaction')}, "
        f"{count(alerts.caught)} ({percent(alerts.recall)}) were caught, with "
        f"{plural(alerts.false_alarms, 'legitimate transaction')} stopped ({percent(alerts.false_positive_rate)} of them)."
    )


def headline(summary: Summary) -> list[Figure]:
    """Eight figures; the first four are detection figures with truth, and counts of actions without."""
    accuracy = summary.accuracy
    return [*(_without_truth(summary) if accuracy is None else _with_truth(summary, accuracy)), *_of_the_run(summary)]


def _with_truth(summary: Summary, accuracy: Accuracy) -> list[Figure]:
    alerts, unit = accuracy.alerts, summary.amount_unit
    legitimate = alerts.false_alarms + alerts.passed
    return [
        Figure(
            "recall",
            "Fraud caught",
            alerts.recall,
            percent(alerts.recall),
            f"{count(alerts.caught)} of {plural(accuracy.frauds, 'fraud')}",
        ),
        Figure(
            "precision",
            "Alerts that were right",
            alerts.precision,
            percent(alerts.precision),
            f"{count(alerts.caught)} of {count(alerts.caught + alerts.false_alarms)} stopped",
        ),
        Figure(
            "false-positive-rate",
            "Legitimate stopped",
            alerts.false_positive_rate,
            percent(alerts.false_positive_rate),
            f"{count(alerts.false_alarms)} of {count(legitimate)}",
        ),
        Figure(
            "amount-saved",
            "Fraud stopped, amount",
            accuracy.amount_saved,
            amount(accuracy.amount_saved),
            f"{unit}; {amount(accuracy.amount_lost)} got through",
        ),
    ]


def _without_truth(summary: Summary) -> list[Figure]:
    actions = {row.action: row for row in summary.actions}
    blocked = actions["hard_block"]
    allowed = actions["allow"]
    return [
        Figure(
            "stopped",
            "Stopped",
            summary.stopped,
            count(summary.stopped),
            f"{percent(summary.stopped / summary.transactions if summary.transactions else None)} of all",
        ),
        Figure("hard-blocks", "Hard blocks", blocked.count, count(blocked.count), f"{percent(blocked.share)} of all"),
        Figure(
            "amount-stopped",
            "Amount stopped",
            summary.amount - allowed.amount,
            amount(summary.amount - allowed.amount),
            f"{summary.amount_unit}; {amount(allowed.amount)} allowed",
        ),
        Figure("alerts", "Alerts", summary.alerts, count(summary.alerts), alerts_note(summary)),
    ]


def alerts_note(summary: Summary) -> str:
    """Alerts a day, and the numbers of alerts with tag `unusual` and of those raised by a flag alone."""
    parts = [] if summary.alerts_per_day is None else [f"{summary.alerts_per_day:,.1f} a day"]
    if summary.unusual_alerts:
        parts.append(f"{count(summary.unusual_alerts)} for being unusual alone")
    if summary.alerts_by_flag_alone:
        parts.append(f"{count(summary.alerts_by_flag_alone)} by a flag alone")
    return ", ".join(parts)


def _of_the_run(summary: Summary) -> list[Figure]:
    latency = summary.latency_ms
    p99 = latency.p99 if latency is not None else None
    seconds = "duration not recorded" if summary.seconds is None else f"{summary.seconds:,.1f} s in all"
    p50 = "" if latency is None or latency.p50 is None else f"median {milliseconds(latency.p50)} a record"
    return [
        Figure(
            "transactions",
            "Transactions",
            summary.transactions,
            count(summary.transactions),
            f"of {plural(summary.users, 'user')}",
        ),
        Figure(
            "dead-letters",
            "Dead letters",
            summary.dead_letters,
            count(summary.dead_letters),
            f"and {plural(summary.duplicates, 'duplicate')}",
        ),
        Figure(
            "throughput",
            "Throughput",
            summary.transactions_per_second,
            rate(summary.transactions_per_second),
            seconds,
        ),
        Figure("latency-p99", "Scoring time, 99% within", p99, milliseconds(p99), p50 or "not measured"),
    ]
