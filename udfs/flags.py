"""Compliance flags beside the action, and in words why they were raised. What is not known raises none."""

from __future__ import annotations

from udfs.decision_settings import DecisionSettings
from udfs.features.context import Context
from udfs.outputs import Flag, Reason
from udfs.profiles import BlockEntry, IpFeed

SANCTION = "SANCTION"
UNKNOWN_AUDITORS = frozenset({"", "system", "unknown"})
UNVERIFIED = 0


def flags_of(settings: DecisionSettings, context: Context, blocked: list[BlockEntry]) -> list[Flag]:
    """AML: a large amount, or a party under sanctions. KYC: an unverified user. PCI: a risky IP address."""
    flags: list[Flag] = []
    if context.amount > settings.aml_amount or bool(_sanctioned(blocked)):
        flags.append("AML")
    if context.user is not None and context.user.kyc_level == UNVERIFIED:
        flags.append("KYC")
    if _risks_of(context.ip, settings):
        flags.append("PCI")
    return flags


def flag_reasons(
    flags: list[Flag], settings: DecisionSettings, context: Context, blocked: list[BlockEntry]
) -> list[Reason]:
    """One for each flag. They weigh nothing: a flag adds nothing to the score."""
    return [Reason("flag", flag, f"{flag}: {_why(flag, settings, context, blocked)}", 0.0) for flag in flags]


def needs_audit(audit_user: str | None) -> bool:
    """Was an account changed by nobody in particular?"""
    return audit_user is None or audit_user.strip().lower() in UNKNOWN_AUDITORS


def _why(flag: Flag, settings: DecisionSettings, context: Context, blocked: list[BlockEntry]) -> str:
    if flag == "KYC":
        return "the user is not verified"
    if flag == "AML":
        sanctioned = _sanctioned(blocked)
        if sanctioned:
            return f"{' and '.join(f'{entry.type} {entry.value}' for entry in sanctioned)} under sanctions"
        return f"an amount of {context.amount:,.2f} in the base currency, above {settings.aml_amount:,.2f}"
    return "the IP address " + " and ".join(_risks_of(context.ip, settings))


def _sanctioned(blocked: list[BlockEntry]) -> list[BlockEntry]:
    return [entry for entry in blocked if SANCTION in (entry.reason_code or "").upper()] if blocked else []


def _risks_of(ip: IpFeed | None, settings: DecisionSettings) -> list[str]:
    """What is risky about an address, in words."""
    risks: list[str] = []
    if ip is not None:
        if ip.vpn:
            risks.append("belongs to a VPN")
        if ip.ip_risk_score is not None and ip.ip_risk_score > settings.pci_ip_risk_above:
            risks.append(f"has a risk of {ip.ip_risk_score:g}, above {settings.pci_ip_risk_above:g}")
    return risks
