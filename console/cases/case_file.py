"""All that is known of an alert, for its page and its exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from console.cases.attachments import Attachment
from console.cases.case_store import CaseStore
from console.cases.conditions import Part, parts_of
from console.cases.links import Shared, links_of_alert, shared_by
from console.cases.rows import CaseRow, JournalEntry, LabelState
from console.cases.user_day import WindowSum, payments_of_day, window_sums
from console.cases.usual import Range, UsualValues
from console.store.rows import DecisionRow
from console.store.store import DecisionStore
from udfs.rules.rule_set import RuleSet

MOST_CASES = 20


class FeatureValue(msgspec.Struct, frozen=True):
    """A feature's value with what is usual; None is not known. `is_reason`: the decision names it as a reason."""

    name: str
    value: float | None
    usual_user: Range | None
    usual_all: Range | None
    is_reason: bool


class RuleHit(msgspec.Struct, frozen=True):
    """A rule that hit. `parts`: None if its condition is not known here."""

    id: str
    reason: str | None
    parts: list[Part] | None


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """`decision`: None if it is not in the store. `payment`: the event as JSON of docs/events.md. `day`: the user's
    payments of the 24 hours before, newest first. `usual_counts`: payments looked at, of the user and of all."""

    case: CaseRow
    decision: DecisionRow | None
    payment: dict[str, Any] | None
    values: list[FeatureValue]
    usual_counts: tuple[int, int]
    rules: list[RuleHit]
    rules_version_here: int | None
    day: list[DecisionRow]
    windows: list[WindowSum]
    parties: list[tuple[str, str]]
    shared: list[Shared]
    earlier: list[CaseRow]
    journal: list[JournalEntry]
    files: list[Attachment]
    labels: list[LabelState]


def case_file(
    store: DecisionStore,
    cases: CaseStore,
    usual: UsualValues,
    rule_set_of: Callable[[int], RuleSet | None],
    case: CaseRow,
) -> CaseFile:
    """Read it. `rule_set_of`: the rule set of a version, or that in force; None if neither is known. Raises
    StoreUnavailable."""
    decision = store.decision(case.decision_id)
    payment = None if decision is None else store.transaction(decision)
    values: list[FeatureValue] = []
    counts, day, windows, hits = (0, 0), [], [], []
    rules = None
    if decision is not None:
        rules = rule_set_of(decision.rules.version)
        values, counts = _values(decision, usual)
        day = payments_of_day(store, decision)
        windows = window_sums(day, decision)
        hits = _hits(decision, payment, rules)
    parties = links_of_alert(store.database, case.decision_id, case.event_time_ms)
    if not parties and case.merchant_id is not None:
        parties = [("merchant", case.merchant_id)]
    earlier = [one for one in cases.cases_of_user(case.user_id, MOST_CASES + 1) if one.case_id != case.case_id]
    return CaseFile(
        case=case, decision=decision, payment=payment, values=values, usual_counts=counts, rules=hits,
        rules_version_here=None if rules is None else rules.version, day=day, windows=windows, parties=parties,
        shared=shared_by(store.database, parties, case.decision_id, case.user_id), earlier=earlier[:MOST_CASES],
        journal=cases.journal(case.case_id), files=cases.files(case.case_id),
        labels=cases.labels(case.case_id),
    )  # fmt: skip


def _values(decision: DecisionRow, usual: UsualValues) -> tuple[list[FeatureValue], tuple[int, int]]:
    """Reasons first, in their order, then what lies outside the user's usual range, then the rest by name."""
    features = decision.features
    if features is None:
        return [], (0, 0)
    of_user, of_all = usual.of_user(decision), usual.of_all(decision)
    named = {reason.name: place for place, reason in enumerate(decision.reasons)}

    def place(name: str) -> tuple[int, int, str]:
        value, range_of_user = features[name], of_user.by_name.get(name)
        is_usual = value is None or range_of_user is None or range_of_user.holds(value)
        return named.get(name, len(named)), int(is_usual), name

    values = [
        FeatureValue(name, features[name], of_user.by_name.get(name), of_all.by_name.get(name), name in named)
        for name in sorted(features, key=place)
    ]
    return values, (of_user.payments, of_all.payments)


def _hits(decision: DecisionRow, payment: dict[str, Any] | None, rules: RuleSet | None) -> list[RuleHit]:
    known = {} if rules is None else {rule.id: rule for rule in rules.rules}
    reasons = {reason.name: reason.text for reason in decision.reasons if reason.source == "rule"}
    features = decision.features or {}
    return [
        RuleHit(
            hit, reasons.get(hit),
            parts_of(known[hit].when, list(features), features, payment) if hit in known and features else None,
        )
        for hit in decision.rules.hits
    ]  # fmt: skip
