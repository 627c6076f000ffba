"""What a run did, whatever the truth: actions, flags, enrichment."""

from __future__ import annotations

import msgspec
import numpy as np

from reporting.alerts import Alerts
from reporting.decisions import ENRICHMENT_STATUSES, FLAGS, Column, Decisions
from reporting.truth import Outcomes
from udfs.outputs import ACTIONS, Action


class ActionRow(msgspec.Struct, frozen=True):
    """`share` is of all transactions; `frauds` is None without truth."""

    action: Action
    count: int
    share: float | None
    amount: float
    frauds: int | None


class NamedCount(msgspec.Struct, frozen=True):
    name: str
    count: int


def action_rows(decisions: Decisions, outcomes: Outcomes | None) -> tuple[ActionRow, ...]:
    """One row for every action, also for those never taken, the strictest first."""
    total = len(decisions.action)
    rows = []
    for number, action in reversed(list(enumerate(ACTIONS))):
        chosen = decisions.action == number
        count = int(chosen.sum())
        rows.append(
            ActionRow(
                action,
                count,
                count / total if total else None,
                float(decisions.amount[chosen].sum()),
                int((chosen & outcomes.is_fraud).sum()) if outcomes is not None else None,
            )
        )
    return tuple(rows)


def flag_rows(alerts: Alerts) -> tuple[NamedCount, ...]:
    """Alerts by compliance flag; an alert with two flags counts for both. Every flagged decision raises an alert."""
    return tuple(NamedCount(flag, int((alerts.flag_bits >> bit & 1).sum())) for bit, flag in enumerate(FLAGS))


def enrichment_rows(decisions: Decisions) -> tuple[NamedCount, ...]:
    """Decisions by how their look-ups went."""
    counts = np.bincount(decisions.enrichment, minlength=len(ENRICHMENT_STATUSES)).tolist()
    return tuple(NamedCount(name, count) for name, count in zip(ENRICHMENT_STATUSES, counts, strict=True))


def distinct(column: Column) -> int:
    """How many different values there are."""
    return len(np.unique(column))
