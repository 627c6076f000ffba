"""Detection by fraud pattern."""

from __future__ import annotations

import msgspec
import numpy as np

from reporting.decisions import Decisions
from reporting.truth import NOT_NAMED, Outcomes
from udfs.records.outputs import ACTIONS

UNNAMED = "(no pattern named)"


class PatternRow(msgspec.Struct, frozen=True):
    """The frauds of one pattern by action. Caught = any action but allow; missed = allow. Amounts in major units."""

    pattern: str
    frauds: int
    hard_block: int
    soft_challenge: int
    refer_to_analyst: int
    missed: int
    amount: float
    amount_missed: float

    @property
    def caught(self) -> int:
        return self.frauds - self.missed

    @property
    def recall(self) -> float:
        return self.caught / self.frauds


def pattern_rows(decisions: Decisions, outcomes: Outcomes) -> tuple[PatternRow, ...]:
    """One row for every pattern with a fraud in this run, most frequent first."""
    frauds = np.flatnonzero(outcomes.is_fraud)
    pattern, action, amount = outcomes.pattern[frauds], decisions.action[frauds], decisions.amount[frauds]
    rows = []
    for number in np.unique(pattern).tolist():
        inside = pattern == number
        allow, refer, challenge, block = np.bincount(action[inside], minlength=len(ACTIONS)).tolist()
        rows.append(
            PatternRow(
                UNNAMED if number == NOT_NAMED else outcomes.pattern_names[number],
                int(inside.sum()),
                block,
                challenge,
                refer,
                allow,
                float(amount[inside].sum()),
                float(amount[inside & (action == 0)].sum()),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.frauds, row.pattern)))
