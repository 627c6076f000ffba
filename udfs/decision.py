"""From scores to an action, flags and an alert."""

from __future__ import annotations

from math import floor

from udfs.decision_settings import DecisionSettings
from udfs.features.context import Context
from udfs.outputs import ACTIONS, Action, Flag
from udfs.profiles import BlockEntry

SANCTION = "SANCTION"
UNKNOWN_AUDITORS = frozenset({"", "system", "unknown"})


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


def flags_of(settings: DecisionSettings, context: Context, blocked: list[BlockEntry]) -> list[Flag]:
    """Compliance flags beside the action. What is not known raises none."""
    flags: list[Flag] = []
    sanctioned = bool(blocked) and any(SANCTION in (entry.reason_code or "").upper() for entry in blocked)
    if context.amount > settings.aml_amount or sanctioned:
        flags.append("AML")
    if context.user is not None and context.user.kyc_level == 0:
        flags.append("KYC")
    ip = context.ip
    if ip is not None and (ip.vpn or (ip.ip_risk_score is not None and ip.ip_risk_score > settings.pci_ip_risk_above)):
        flags.append("PCI")
    return flags


def needs_audit(audit_user: str | None) -> bool:
    """Was an account changed by nobody in particular?"""
    return audit_user is None or audit_user.strip().lower() in UNKNOWN_AUDITORS
