"""One decision, alert or flag as one line for people who watch the job run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from udfs.money import exponent

ACTION_WIDTH = 16
REASONS_SHOWN = 3
_CONTROL_CHARACTERS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], "�")


class _Text(msgspec.Struct):
    text: str


class _Shown(msgspec.Struct):
    """What a line shows of an alert, a flag, a decision or a duplicate; reasons are words or objects with words."""

    user_id: str
    event_time_ms: int
    type: str = "decision"
    action: str | None = None
    risk_score: int | None = None
    flags: list[str] = []
    tags: list[str] = []
    summary: str | None = None
    reasons: list[str | _Text] = []
    transaction_id: str | None = None
    event_id: str | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None


_decode = msgspec.json.Decoder(_Shown).decode


def console_line(record: bytes) -> str:
    """`2026-01-03 02:14:07  HARD BLOCK  934  user U000123  412.50 USD  at M00017  [AML]  — why`, times in UTC.

    Takes the JSON of an alert, a flag, a decision or a duplicate. Raises msgspec.DecodeError for anything else.
    """
    shown = _decode(record)
    moment = datetime.fromtimestamp(shown.event_time_ms / 1000, UTC)
    parts = [f"{moment:%Y-%m-%d %H:%M:%S}", _action(shown), f"user {shown.user_id}"]
    if shown.amount is not None:
        currency = shown.currency or ""
        parts.append(f"{shown.amount:,.{exponent(currency)}f} {currency}".rstrip())
    if shown.merchant_id is not None:
        parts.append(f"at {shown.merchant_id}")
    marks = [" ".join(shown.flags)] if shown.flags else []
    marks += [tag.replace("_", " ") for tag in shown.tags]
    if marks:
        parts.append(f"[{', '.join(marks)}]")
    if shown.type == "duplicate":
        parts.append(f"transaction {shown.transaction_id}")
    if shown.summary:
        parts.append(f"— {shown.summary}")
    elif shown.reasons:
        parts.append(f"— {_words(shown.reasons)}")
    return "  ".join(parts).translate(_CONTROL_CHARACTERS)


def _action(shown: _Shown) -> str:
    if shown.type == "duplicate":
        return "DUPLICATE".ljust(ACTION_WIDTH + 5)
    action = "FLAG" if shown.type == "flag" else (shown.action or "").replace("_", " ").upper()
    score = "" if shown.risk_score is None else str(shown.risk_score)
    return f"{action:<{ACTION_WIDTH}} {score:>4}"


def _words(reasons: Sequence[str | _Text]) -> str:
    shown = [reason if isinstance(reason, str) else reason.text for reason in reasons[:REASONS_SHOWN]]
    rest = len(reasons) - len(shown)
    return "; ".join(shown) + (f" (and {rest} more)" if rest else "")
