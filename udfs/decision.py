"""From scores to an action."""

from __future__ import annotations

from math import floor

from udfs.decision_settings import DecisionSettings
from udfs.outputs import ACTIONS, Action


def round_half_up(value: float) -> int:
    """The nearest integer, halves upwards; for scores, which are never negative."""
    whole = floor(value)
    return whole + (value - whole >= 0.5)


def model_score(probability: float) -> int:
    """1000 x the calibrated probability as an integer."""
    return round_half_up(1000.0 * probability)


def action_for(settings: DecisionSettings, risk_score: int) -> Action:
    """The action of a score, by the thresholds."""
    if risk_score <= settings.refer_above:
        return "allow"
    if risk_score > settings.hard_block_above:
        return "hard_block"
    return "soft_challenge" if risk_score > settings.soft_challenge_above else "refer_to_analyst"


def at_least(action: Action, minimum: Action | None) -> Action:
    """The stricter of two actions."""
    if minimum is None or ACTIONS.index(minimum) <= ACTIONS.index(action):
        return action
    return minimum
