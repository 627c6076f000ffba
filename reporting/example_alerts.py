"""Selects representative alerts of a run: the strongest of each fraud pattern, and of the false alarms."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from reporting.identity import transaction_key
from reporting.json_lines import records_of
from reporting.truth import NOT_NAMED, Truth, read_truth
from udfs.records.outputs import ACTIONS, Alert

FALSE_ALARM, FRAUD, NOT_KNOWN = "a false alarm", "fraud", "truth not known"
_decoder = msgspec.json.Decoder(Alert)
_Strength = tuple[int, int, float, int, str]


class ExampleAlert(NamedTuple):
    """An alert, and in words what its transaction turned out to be."""

    record: Alert
    outcome: str


def example_alerts(alerts: Path, truth: Path, most: int) -> list[ExampleAlert]:
    """At most `most` alerts on transactions, in order of event time. Raises RunFilesError.

    Selects the strongest alert of each outcome, most frequent outcomes first, then the strongest of the rest.
    """
    outcome_of = _outcomes(read_truth(truth))
    by_outcome: dict[str, list[tuple[_Strength, Alert]]] = {}
    for _, alert in records_of(alerts, _decoder):
        if alert.transaction_id is None:
            continue
        outcome = outcome_of.get(transaction_key(alert.user_id, alert.transaction_id), NOT_KNOWN)
        by_outcome.setdefault(outcome, []).append((_strength(alert), alert))
    kinds = sorted(by_outcome, key=lambda outcome: (-len(by_outcome[outcome]), outcome))
    for found in by_outcome.values():
        found.sort(key=lambda item: item[0], reverse=True)
    chosen = [(by_outcome[outcome][0], outcome) for outcome in kinds][:most]
    rest = sorted(((item, outcome) for outcome in kinds for item in by_outcome[outcome][1:]), reverse=True, key=_first)
    chosen += rest[: most - len(chosen)]
    chosen.sort(key=lambda row: (row[0][1].event_time_ms, row[0][1].alert_id))
    return [ExampleAlert(alert, outcome) for (_, alert), outcome in chosen]


def _first(row: tuple[tuple[_Strength, Alert], str]) -> _Strength:
    return row[0][0]


def _strength(alert: Alert) -> _Strength:
    """Sort key, unique by the id at its end."""
    return ACTIONS.index(alert.action), alert.risk_score, alert.amount or 0.0, -alert.event_time_ms, alert.alert_id


def _outcomes(truth: Truth) -> dict[int, str]:
    names = [name.replace("_", " ") for name in truth.pattern_names]
    return {
        key: FALSE_ALARM if not is_fraud else FRAUD if pattern == NOT_NAMED else names[pattern]
        for key, is_fraud, pattern in zip(
            truth.key.tolist(), truth.is_fraud.tolist(), truth.pattern.tolist(), strict=True
        )
    }
