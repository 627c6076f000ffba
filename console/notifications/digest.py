"""What a message says: of alerts how many, scores, amounts and links, no ids of users or merchants; of rules that guardrails
put back to shadow, what was crossed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from console.cases.rows import CaseRow
from console.notifications.guardrails import Crossed

MOST_TOLD, MOST_NAMED = 10, 3


class ToldAlert(msgspec.Struct, frozen=True):
    """One alert as a signed webhook gets it. `link`: to its page."""

    alert: str
    action: str
    risk_score: int
    amount: float | None
    currency: str | None
    event_time_ms: int
    link: str


class ToldGuardrail(msgspec.Struct, frozen=True):
    """A rule that a guardrail put back to shadow, as a signed webhook gets it. `version`: of the rule set. `at_ms`: 0 where
    that is not known. `link`: to the rule's page."""

    rule: str
    version: int
    measure: str
    limit: float
    count: int
    payments: int
    over_payments: int
    at_ms: int
    in_words: str
    link: str


class Digest(msgspec.Struct, frozen=True):
    """One message. `id`: the same for each try. `count`: of all alerts; `alerts`: those with the highest scores.
    `guardrails`: that were crossed."""

    id: str
    subject: str
    count: int
    alerts: list[ToldAlert]
    guardrails: list[ToldGuardrail] = []


def digest_of(rows: list[CaseRow], crossed: list[Crossed], number: int, address: str) -> Digest:
    """The message of these cases and guardrails, together at least one."""
    told = sorted(rows, key=lambda row: (-row.risk_score, row.case_id))[:MOST_TOLD]
    return Digest(
        id=f"digest-{number}", subject="; ".join(_subjects(rows, crossed)), count=len(rows),
        alerts=[
            ToldAlert(
                row.decision_id, row.action, row.risk_score, row.amount, row.currency, row.event_time_ms,
                f"{address.rstrip('/')}/alerts/{row.decision_id}",
            )
            for row in told
        ],
        guardrails=[_guardrail(one, address) for one in crossed],
    )  # fmt: skip


def _subjects(rows: list[CaseRow], crossed: list[Crossed]) -> Iterator[str]:
    if crossed:
        rules = list(dict.fromkeys(one.element.rule for one in crossed))
        named = ", ".join(rules[:MOST_NAMED]) + (", …" if len(rules) > MOST_NAMED else "")
        yield f"{len(rules)} rules back in shadow: {named}" if len(rules) > 1 else f"1 rule back in shadow: {named}"
    if rows:
        kinds = sorted({row.action.replace("_", " ") for row in rows})
        yield f"{len(rows)} alerts: {', '.join(kinds)}" if len(rows) > 1 else f"1 alert: {', '.join(kinds)}"


def _guardrail(crossed: Crossed, address: str) -> ToldGuardrail:
    element = crossed.element
    return ToldGuardrail(
        element.rule, element.version, element.measure, element.limit, element.count, element.payments,
        element.over_payments, crossed.at_ms, element.in_words,
        f"{address.rstrip('/')}/rules/{quote(element.rule, safe='')}",
    )  # fmt: skip


def text_of(digest: Digest) -> str:
    """The message in plain text."""
    lines = [digest.subject, ""]
    for one in digest.guardrails:
        lines.append(f"rule {one.rule} of version {one.version} is in shadow again, {one.in_words}: {one.link}")
    for alert in digest.alerts:
        amount = "" if alert.amount is None else f", {alert.amount:,.2f} {alert.currency or ''}".rstrip()
        lines.append(f"{alert.action.replace('_', ' ')}, risk score {alert.risk_score}{amount}: {alert.link}")
    if digest.count > len(digest.alerts):
        lines.append(f"and {digest.count - len(digest.alerts)} more")
    return "\n".join(lines)
