"""Loss summary: count and amount by outcome, and by the resolution code of the case."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from reporting.decisions import Column, Decisions
from reporting.truth import NOT_NAMED, Outcomes
from udfs.records.outputs import ACTIONS

Outcome = Literal["fraud stopped", "fraud missed", "legitimate stopped", "legitimate passed"]
HARD_BLOCK = ACTIONS.index("hard_block")


class LossRow(msgspec.Struct, frozen=True):
    """Stopped = any action but allow; `blocked` = hard_block. Amounts in major units."""

    outcome: Outcome
    count: int
    amount: float
    blocked: int
    amount_blocked: float


class ResolutionRow(msgspec.Struct, frozen=True):
    """Transactions whose case was closed with this code. Amounts in major units."""

    resolution_code: str
    count: int
    amount: float
    stopped: int
    amount_stopped: float


def loss_rows(decisions: Decisions, outcomes: Outcomes) -> tuple[LossRow, ...]:
    """One row for each of the four outcomes, over the transactions whose truth is known."""
    stopped = decisions.action > 0
    fraud, legitimate = outcomes.is_fraud, outcomes.known & ~outcomes.is_fraud
    chosen: dict[Outcome, Column] = {
        "fraud stopped": fraud & stopped,
        "fraud missed": fraud & ~stopped,
        "legitimate stopped": legitimate & stopped,
        "legitimate passed": legitimate & ~stopped,
    }
    blocked = decisions.action == HARD_BLOCK
    return tuple(
        LossRow(outcome, *_sum(decisions, rows), *_sum(decisions, rows & blocked)) for outcome, rows in chosen.items()
    )


def resolution_rows(decisions: Decisions, outcomes: Outcomes) -> tuple[ResolutionRow, ...]:
    """One row a resolution code, greatest amount first; empty if the labels have no codes."""
    stopped = decisions.action > 0
    rows = []
    for number in np.unique(outcomes.resolution).tolist():
        if number != NOT_NAMED:
            chosen = outcomes.resolution == number
            code = outcomes.resolution_codes[number]
            rows.append(ResolutionRow(code, *_sum(decisions, chosen), *_sum(decisions, chosen & stopped)))
    return tuple(sorted(rows, key=lambda row: (-row.amount, row.resolution_code)))


def _sum(decisions: Decisions, rows: Column) -> tuple[int, float]:
    return int(rows.sum()), float(decisions.amount[rows].sum())
