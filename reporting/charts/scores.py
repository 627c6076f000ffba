"""The three scores that the curves compare, with their line styles."""

from __future__ import annotations

import msgspec

from reporting.charts.figure import FRAUD, INK, LEGITIMATE
from reporting.decisions import Column, Decisions
from reporting.truth import Outcomes


class Score(msgspec.Struct, frozen=True, eq=False):
    """Values [K] of the transactions with known truth, and the line style of its curve (distinct without colours)."""

    label: str
    values: Column
    color: str
    dashes: str
    layer: int


def scores_with_truth(decisions: Decisions, outcomes: Outcomes) -> list[Score]:
    """The scores in drawing order: the risk score, which combines the other two, is first and drawn on top."""
    known = outcomes.known
    return [
        Score("risk score", decisions.risk_probability[known], INK, "-", 4),
        Score("model", decisions.probability[known], LEGITIMATE, "--", 3),
        Score("rules", decisions.rule_score[known], FRAUD, ":", 2),
    ]
