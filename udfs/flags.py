"""Compliance flags beside the action, and in words why they were raised. What is not known raises none."""

from __future__ import annotations

from udfs.decision_settings import DecisionSettings
from udfs.features.context import Context
from udfs.outputs import Flag, Reason
from udfs.profiles import BlockEntry, IpFeed

SANCTION = "SANCTION"
UNKNOWN_AUDITORS = frozenset({"", "system", "unknown"})
UNVERIFIED = 0


def flags_of(settings: DecisionSettings, context: Context, blocked: list[BlockEntry]) -> dict[Flag, str]:
    """AML: a party under sanctions, or a large amount. KYC: an unverified user. PCI: a risky IP address. Each with why."""
    flags: dict[Flag, str] = {}
    sanctioned = [entry for entry in blocked if SANCTION in (entry.reason_code or "").upper()] if blocked else []
    if sanctioned:
        flags["AML"] = " and ".join(f"{entry.type} {entry.value}" for entry in sanctioned) + " under sanctions"
    elif context.amount > settings.aml_amount:
        flags["AML"] = f"an amount of {context.amount:,.2f} in the base currency, above {settings.aml_amount:,.2f}"
    if context.user is not None and context.user.kyc_level == UNVERIFIED:
        flags["KYC"] = "the user is not verified"
    if context.ip is not None:
        risks = _risks_of(context.ip, settings)
        if risks:
            flags["PCI"] = "the IP address " + " and ".join(risks)
    return flags


def flag_reasons(flags: dict[Flag, str]) -> list[Reason]:
    """One for each flag. They weigh nothing: a flag adds nothing to the score."""
    return [Reason("flag", flag, f"{flag}: {why}", 0.0) for flag, why in flags.items()]


def needs_audit(audit_user: str | None) -> bool:
    """Was an account changed by nobody in particular?"""
    return audit_user is None or audit_user.strip().lower() in UNKNOWN_AUDITORS


def _risks_of(ip: IpFeed, settings: DecisionSettings) -> list[str]:
    """What is risky about an address, in words."""
    risks: list[str] = []
    if ip.vpn:
        risks.append("belongs to a VPN")
    if ip.ip_risk_score is not None and ip.ip_risk_score > settings.pci_ip_risk_above:
        risks.append(f"has a risk of {ip.ip_risk_score:g}, above {settings.pci_ip_risk_above:g}")
    return risks
