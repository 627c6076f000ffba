"""How rules do: hits, and what the alerts that they hit turned out to be."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from console.cases.rows import CaseRow, Outcome
from console.store.encoding import Body
from console.store.engine import Database
from console.store.tables import cases, decisions, marks, rule_outcomes
from udfs.records.outputs import ACTIONS
from udfs.values.wilson import Interval, wilson_interval

DAYS = 30
DAY_MS = 86_400_000
KEEP_MS = 30_000
MOST_RULES = 500
MOST_COUNTED = 200_000
_STOPS = ACTIONS.index("soft_challenge")
_decode_body = msgspec.json.Decoder(Body).decode


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """`hits`: decisions of the last DAYS days before the newest one, at most MOST_COUNTED. `frauds`, `others`: closed cases
    of fraud and of no fraud, of all times. `precision` and `interval` (Wilson, 95 %): None without any. `amounts`: of the
    frauds, in major units by currency; `stopped`: of those that were challenged or blocked."""

    rule: str
    hits: int
    frauds: int
    others: int
    amounts: dict[str, float]
    stopped: dict[str, float] = {}

    @property
    def precision(self) -> float | None:
        total = self.frauds + self.others
        return self.frauds / total if total else None

    @property
    def interval(self) -> Interval | None:
        total = self.frauds + self.others
        return wilson_interval(self.frauds, total) if total else None


def note(connection: Connection, case: CaseRow, outcome: Outcome) -> None:
    """Note which rules hit in a case that is being closed."""
    columns = decisions.c
    rows = connection.execute(
        select(columns.event_time_ms, columns.body).where(columns.decision_id == case.decision_id)
    ).all()
    hits = [hit for row in rows if row[0] == case.event_time_ms for hit in _decode_body(row[1]).rules.hits]
    forget(connection, case.case_id)
    for hit in dict.fromkeys(hits):
        connection.execute(
            insert(rule_outcomes).values(
                rule=hit, case_id=case.case_id, event_time_ms=case.event_time_ms, outcome=outcome, amount=case.amount,
                currency=case.currency,
            )
        )  # fmt: skip


def forget(connection: Connection, case_id: int) -> None:
    """The case is open again."""
    connection.execute(delete(rule_outcomes).where(rule_outcomes.c.case_id == case_id))


class RuleResults:
    """Reads results, and keeps them for a while. Thread-safe."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._kept: tuple[int, dict[str, int]] | None = None

    def of_all(self) -> dict[str, RuleResult]:
        """By the ids of rules that hit."""
        hits = self._hits()
        columns = rule_outcomes.c
        by = (columns.rule, columns.outcome, columns.currency, cases.c.action)
        statement = (
            select(*by, func.count(), func.sum(columns.amount))
            .join(cases, cases.c.case_id == columns.case_id, isouter=True)
            .group_by(*by)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        counts: dict[str, dict[str, int]] = {rule: {} for rule in hits}
        amounts: dict[str, dict[str, float]] = {}
        stopped: dict[str, dict[str, float]] = {}
        for rule, outcome, currency, action, count, amount in rows:
            of_rule = counts.setdefault(rule, {})
            of_rule[outcome] = of_rule.get(outcome, 0) + count
            if outcome == "fraud" and currency is not None:
                for kept in (amounts, stopped) if action is not None and action >= _STOPS else (amounts,):
                    of_currency = kept.setdefault(rule, {})
                    of_currency[currency] = of_currency.get(currency, 0.0) + float(amount or 0)
        return {
            rule: RuleResult(
                rule=rule, hits=hits.get(rule, 0), frauds=found.get("fraud", 0), others=found.get("not_fraud", 0),
                amounts=amounts.get(rule, {}), stopped=stopped.get(rule, {}),
            )
            for rule, found in counts.items()
        }  # fmt: skip

    def _hits(self) -> dict[str, int]:
        now_ms = self._now_ms()
        if self._kept is not None and now_ms - self._kept[0] < KEEP_MS:
            return self._kept[1]
        with self._database.read() as connection:
            newest = connection.execute(select(func.max(decisions.c.event_time_ms))).scalar() or 0
            found = {
                rule: _count(connection, rule, int(newest) - DAYS * DAY_MS) for rule in _rules_that_hit(connection)
            }
        self._kept = (now_ms, found)
        return found


def _rules_that_hit(connection: Connection) -> list[str]:
    """By hops through the index, without reading all hits."""
    found: list[str] = []
    columns = marks.c
    while len(found) < MOST_RULES:
        statement = select(columns.value).where(columns.kind == "rule").order_by(columns.value).limit(1)
        if found:
            statement = statement.where(columns.value > found[-1])
        rule = connection.execute(statement).scalar()
        if rule is None:
            break
        found.append(rule)
    return found


def _count(connection: Connection, rule: str, since_ms: int) -> int:
    columns = marks.c
    entries = select(columns.event_time_ms).where(
        columns.kind == "rule", columns.value == rule, columns.event_time_ms > since_ms
    )
    return int(
        connection.execute(select(func.count()).select_from(entries.limit(MOST_COUNTED).subquery())).scalar_one()
    )
