"""Formats a decision, alert or flag as one line for the console."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from udfs.records.outputs import Duplicate, FlagNotice
from udfs.values.money import exponent

ACTION_WIDTH = 16
REASONS_SHOWN = 3
_CONTROL_CHARACTERS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], "�")


class StructuredReason(Protocol):
    """A reason with fields besides its text."""

    @property
    def text(self) -> str: ...


class ConsoleRecord(Protocol):
    """Common fields of decisions, alerts and flag notices."""

    @property
    def user_id(self) -> str: ...

    @property
    def event_time_ms(self) -> int: ...

    @property
    def risk_score(self) -> int | None: ...

    @property
    def amount(self) -> float | None: ...

    @property
    def currency(self) -> str | None: ...

    @property
    def merchant_id(self) -> str | None: ...

    @property
    def flags(self) -> Sequence[str]: ...

    @property
    def reasons(self) -> Sequence[str | StructuredReason]: ...


class ConsoleDecision(ConsoleRecord, Protocol):
    """A decision or an alert, also one read from the output of an earlier version."""

    @property
    def action(self) -> str: ...

    @property
    def tags(self) -> Sequence[str]: ...

    @property
    def summary(self) -> str | None: ...


def console_line(record: ConsoleDecision | FlagNotice | Duplicate) -> str:
    """`2026-01-03 02:14:07  HARD BLOCK  934  user U000123  412.50 USD  at M00017  [AML]  — why`, times in UTC."""
    if isinstance(record, Duplicate):
        what = "DUPLICATE".ljust(ACTION_WIDTH + 5)
        rest = [f"transaction {record.transaction_id}"]
    elif isinstance(record, FlagNotice):
        what = _scored("FLAG", record.risk_score or None)  # an account change has no score
        rest = _details(record, [], None)
    else:
        what = _scored(record.action.replace("_", " ").upper(), record.risk_score)
        rest = _details(record, record.tags, record.summary)
    moment = datetime.fromtimestamp(record.event_time_ms / 1000, UTC)
    return printable("  ".join([f"{moment:%Y-%m-%d %H:%M:%S}", what, f"user {record.user_id}", *rest]))


def printable(text: str) -> str:
    """The text with control characters and line separators replaced by U+FFFD."""
    return text.translate(_CONTROL_CHARACTERS)


def _scored(action: str, score: int | None) -> str:
    return f"{action:<{ACTION_WIDTH}} {'' if score is None else score:>4}"


def _details(record: ConsoleRecord, tags: Sequence[str], summary: str | None) -> list[str]:
    """Amount, merchant, flags and tags in brackets, and why."""
    parts: list[str] = []
    if record.amount is not None:
        currency = record.currency or ""
        parts.append(f"{record.amount:,.{exponent(currency)}f} {currency}".rstrip())
    if record.merchant_id is not None:
        parts.append(f"at {record.merchant_id}")
    marks = [" ".join(record.flags)] if record.flags else []
    marks += [tag.replace("_", " ") for tag in tags]
    if marks:
        parts.append(f"[{', '.join(marks)}]")
    if summary:
        parts.append(f"— {summary}")
    elif record.reasons:
        parts.append(f"— {_words(record.reasons)}")
    return parts


def _words(reasons: Sequence[str | StructuredReason]) -> str:
    shown = [reason if isinstance(reason, str) else reason.text for reason in reasons[:REASONS_SHOWN]]
    rest = len(reasons) - len(shown)
    return "; ".join(shown) + (f" (and {rest} more)" if rest else "")
