"""Alerts and notices of flags, as they leave the operator."""

from __future__ import annotations

import hashlib

import msgspec

from udfs.events import AccountChange
from udfs.outputs import Alert, Decision, Flag, FlagNotice, Output

AUDIT: Flag = "AUDIT"
_encode = msgspec.json.Encoder().encode


def decision_id(user_id: str, transaction_id: str) -> str:
    """The same for every copy of a transaction: 128 bits of BLAKE2b over user and transaction, in hex."""
    return hashlib.blake2b(f"{user_id}\0{transaction_id}".encode(), digest_size=16).hexdigest()


def alert_of(decision: Decision, user_country: str | None) -> Output:
    """The alert on a decision."""
    alert = Alert(
        alert_id=decision.decision_id,
        user_id=decision.user_id,
        event_time_ms=decision.event_time_ms,
        action=decision.action,
        risk_score=decision.risk_score,
        flags=decision.flags,
        reasons=[reason.text for reason in decision.reasons],
        summary=decision.summary,
        tags=decision.tags,
        transaction_id=decision.transaction_id,
        amount=decision.amount,
        currency=decision.currency,
        merchant_id=decision.merchant_id,
        user_country=user_country,
    )
    return Output("alerts", alert.user_id, _encode(alert), None, alert.action)


def flag_notice_of(decision: Decision, kinds: tuple[str, ...], user_country: str | None) -> Output:
    """The notice of some of an allowed payment's flags."""
    notice = FlagNotice(
        flag_id=decision.decision_id,
        user_id=decision.user_id,
        event_time_ms=decision.event_time_ms,
        flags=[flag for flag in decision.flags if flag in kinds],
        reasons=[reason.text for reason in decision.reasons if reason.source == "flag" and reason.name in kinds],
        risk_score=decision.risk_score,
        transaction_id=decision.transaction_id,
        amount=decision.amount,
        currency=decision.currency,
        merchant_id=decision.merchant_id,
        user_country=user_country,
    )
    return Output("flags", notice.user_id, _encode(notice), None, decision.action)


def audit_notice_of(change: AccountChange) -> Output:
    """The notice of an account's change by nobody in particular."""
    notice = FlagNotice(
        flag_id=_change_id(change),
        user_id=change.user_id,
        event_time_ms=change.timestamp,
        flags=[AUDIT],
        reasons=[_change_in_words(change)],
        event_id=change.event_id,
    )
    return Output("flags", notice.user_id, _encode(notice), None, "allow")


def audit_alert_of(change: AccountChange) -> Output:
    """The same as an alert, where flags are to be alerts."""
    alert = Alert(
        alert_id=_change_id(change),
        user_id=change.user_id,
        event_time_ms=change.timestamp,
        action="allow",
        risk_score=0,
        flags=[AUDIT],
        reasons=[_change_in_words(change)],
        event_id=change.event_id,
    )
    return Output("alerts", alert.user_id, _encode(alert), None, alert.action)


def _change_id(change: AccountChange) -> str:
    return decision_id(change.user_id, f"\0{change.event_id}")


def _change_in_words(change: AccountChange) -> str:
    who = change.audit_user or "nobody"
    return f"account status changed from {change.old_status} to {change.new_status} by {who}"
