"""Why a chart that compares scores with the truth cannot be drawn."""

from __future__ import annotations

from reporting.truth import Outcomes


def why_not(outcomes: Outcomes | None) -> str | None:
    """One sentence, or None where fraud and legitimate transactions are both there."""
    if outcomes is None:
        return "Left out: the run has no truth, so nobody knows which transactions were fraud."
    if not outcomes.known.any():
        return "Left out: the truth of none of the transactions is known."
    if not outcomes.is_fraud.any():
        return "Left out: there is no fraud among the transactions with known truth."
    if outcomes.is_fraud[outcomes.known].all():
        return "Left out: every transaction with known truth is fraud, so there is nothing to tell it from."
    return None
