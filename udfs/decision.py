"""From scores to an action."""

from __future__ import annotations

from math import exp, floor, log, log1p

from udfs.decision_settings import Thresholds
from udfs.outputs import ACTIONS, Action

LEAST_PROBABILITY = 1e-12
MOST_PROBABILITY = 1.0 - 2.0**-24
"""Nearest to 0 and to 1 that a probability counts; the latter is float32's greatest below 1."""


def round_half_up(value: float) -> int:
    """The nearest integer, halves upwards; for scores, which are never negative."""
    whole = floor(value)
    return whole + (value - whole >= 0.5)


def model_score(probability: float) -> int:
    """1000 x a probability as an integer."""
    return round_half_up(1000.0 * probability)


def clipped_logit(probability: float) -> float:
    """ln(p / (1 - p)), with p kept so far from 0 and 1 that it is finite."""
    p = min(max(probability, LEAST_PROBABILITY), MOST_PROBABILITY)
    return log(p) - log1p(-p)


def sigmoid(log_odds: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    if log_odds >= 0.0:
        return 1.0 / (1.0 + exp(-log_odds))
    odds = exp(log_odds)
    return odds / (1.0 + odds)


def action_for(thresholds: Thresholds, risk_score: int) -> Action:
    """The action of a score, by the thresholds."""
    if risk_score <= thresholds.refer_above:
        return "allow"
    if risk_score > thresholds.hard_block_above:
        return "hard_block"
    return "soft_challenge" if risk_score > thresholds.soft_challenge_above else "refer_to_analyst"


def at_least(action: Action, minimum: Action | None) -> Action:
    """The stricter of two actions."""
    if minimum is None or ACTIONS.index(minimum) <= ACTIONS.index(action):
        return action
    return minimum


def at_most(action: Action, maximum: Action) -> Action:
    """The milder of two actions."""
    return action if ACTIONS.index(action) <= ACTIONS.index(maximum) else maximum
