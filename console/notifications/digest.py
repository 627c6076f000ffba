"""What a message says of alerts: how many, scores, amounts and links; no ids of users or merchants."""

from __future__ import annotations

import msgspec

from console.cases.rows import CaseRow

MOST_TOLD = 10


class ToldAlert(msgspec.Struct, frozen=True):
    """One alert as a signed webhook gets it. `link`: to its page."""

    alert: str
    action: str
    risk_score: int
    amount: float | None
    currency: str | None
    event_time_ms: int
    link: str


class Digest(msgspec.Struct, frozen=True):
    """One message. `id`: the same for each try. `count`: of all alerts; `alerts`: those with the highest scores."""

    id: str
    subject: str
    count: int
    alerts: list[ToldAlert]


def digest_of(rows: list[CaseRow], number: int, address: str) -> Digest:
    """The message of these cases, at least one."""
    told = sorted(rows, key=lambda row: (-row.risk_score, row.case_id))[:MOST_TOLD]
    subject = f"{len(rows)} alerts" if len(rows) > 1 else "1 alert"
    kinds = sorted({row.action.replace("_", " ") for row in rows})
    return Digest(
        id=f"digest-{number}", subject=f"{subject}: {', '.join(kinds)}", count=len(rows),
        alerts=[
            ToldAlert(
                row.decision_id, row.action, row.risk_score, row.amount, row.currency, row.event_time_ms,
                f"{address.rstrip('/')}/alerts/{row.decision_id}",
            )
            for row in told
        ],
    )  # fmt: skip


def text_of(digest: Digest) -> str:
    """The message in plain text."""
    lines = [digest.subject, ""]
    for alert in digest.alerts:
        amount = "" if alert.amount is None else f", {alert.amount:,.2f} {alert.currency or ''}".rstrip()
        lines.append(f"{alert.action.replace('_', ' ')}, risk score {alert.risk_score}{amount}: {alert.link}")
    if digest.count > len(digest.alerts):
        lines.append(f"and {digest.count - len(digest.alerts)} more")
    return "\n".join(lines)
