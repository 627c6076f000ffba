"""Counts that need no truth: actions, flags, enrichment."""

from __future__ import annotations

import msgspec
import numpy as np

from reporting.alerts import Alerts
from reporting.decisions import ENRICHMENT_STATUSES, FLAGS, Column, Decisions
from reporting.flag_notices import FlagNotices
from reporting.truth import Outcomes
from udfs.records.outputs import ACTIONS, Action
from udfs.values.time_units import DAY_MS


class ActionRow(msgspec.Struct, frozen=True):
    """`share` is of all transactions; `frauds` is None without truth."""

    action: Action
    count: int
    share: float | None
    amount: float
    frauds: int | None


class FlagRow(msgspec.Struct, frozen=True):
    """Transactions, notices and alerts with one compliance flag."""

    name: str
    transactions: int
    notices: int
    alerts: int


class NamedCount(msgspec.Struct, frozen=True):
    name: str
    count: int


def action_rows(decisions: Decisions, outcomes: Outcomes | None) -> tuple[ActionRow, ...]:
    """One row for every action, including those never taken, strictest first."""
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


def flag_rows(decisions: Decisions, notices: FlagNotices, alerts: Alerts) -> tuple[FlagRow, ...]:
    """One row a compliance flag; a transaction, notice or alert with two flags counts in both rows."""
    return tuple(
        FlagRow(
            flag, *(int((bits >> bit & 1).sum()) for bits in (decisions.flag_bits, notices.flag_bits, alerts.flag_bits))
        )
        for bit, flag in enumerate(FLAGS)
    )


def alerts_per_day(alerts: Alerts, decisions: Decisions) -> float | None:
    """Mean number of alerts a day, over the days (UTC) with transactions; None without transactions."""
    days = len(np.unique(decisions.time_ms // DAY_MS))
    return len(alerts.time_ms) / days if days else None


def enrichment_rows(decisions: Decisions) -> tuple[NamedCount, ...]:
    """Decisions by enrichment status."""
    counts = np.bincount(decisions.enrichment, minlength=len(ENRICHMENT_STATUSES)).tolist()
    return tuple(NamedCount(name, count) for name, count in zip(ENRICHMENT_STATUSES, counts, strict=True))


def distinct(column: Column) -> int:
    """Number of distinct values."""
    return len(np.unique(column))
