"""Precondition of the charts that compare scores with the truth."""

from __future__ import annotations

from reporting.truth import Outcomes


def missing_truth_reason(outcomes: Outcomes | None) -> str | None:
    """Why such a chart cannot be drawn, in one sentence; None if there are both fraud and legitimate transactions."""
    if outcomes is None:
        return "Left out: the run has no truth, so which transactions were fraud is not known."
    if not outcomes.known.any():
        return "Left out: the truth of none of the transactions is known."
    if not outcomes.is_fraud.any():
        return "Left out: there is no fraud among the transactions with known truth."
    if outcomes.is_fraud[outcomes.known].all():
        return "Left out: every transaction with known truth is fraud, so there is nothing to compare it with."
    return None
