"""The three scores that curves compare, with the line that each is drawn with."""

from __future__ import annotations

import msgspec

from reporting.charts.figure import FRAUD, INK, LEGITIMATE
from reporting.decisions import Column, Decisions
from reporting.truth import Outcomes


class Score(msgspec.Struct, frozen=True, eq=False):
    """Values of the transactions with known truth [K], and how its curve looks (told apart without colours, too)."""

    label: str
    values: Column
    color: str
    dashes: str
    layer: int


def scores_with_truth(decisions: Decisions, outcomes: Outcomes) -> list[Score]:
    """The risk score, which combines the others, comes first and lies on top."""
    known = outcomes.known
    return [
        Score("risk score", decisions.risk_probability[known], INK, "-", 4),
        Score("model", decisions.probability[known], LEGITIMATE, "--", 3),
        Score("rules", decisions.rule_score[known], FRAUD, ":", 2),
    ]
