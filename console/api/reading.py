"""What was decided, and with what: pages of decisions, alerts, dead letters, a user's timeline, rules, bundles, versions."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.api.access import GuardedRoute
from console.api.documents import answered
from console.api.problems import Problem
from console.api.queries import AlertQuery, DecisionIdInPath, DecisionQuery, PageQuery, UserIdInPath
from console.api.services import Services, Versions
from console.api.shapes import json_response
from console.store.rows import (
    AuditEntry,
    BundleRow,
    DeadLetterRow,
    DecidedBy,
    DecisionRow,
    Page,
    RuleSetRow,
    TimelineItem,
)
from console.store.store import DecisionStore
from udfs.records.outputs import Alert, FlagNotice
from udfs.rules.rule_set import RuleSet

router = APIRouter(route_class=GuardedRoute, tags=["reading"])


_AUDIT_EXAMPLE = AuditEntry(
    at_ms=1_767_614_400_000, who="desk", what="key added", subject="till", after={"role": "scorer", "state": "in force"}
)


class RulesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`in_force`: the rule set that decides now; null where it is not known here."""

    in_force: RuleSet | None
    decided: list[RuleSetRow]


class BundlesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`in_force`: version of the bundle that decides now; null where it is not known here."""

    in_force: str | None
    decided: list[BundleRow]


class VersionsAnswer(Versions, frozen=True, kw_only=True):
    """`newest_decision`: what the newest decision in the store was made with. `trouble`: why it is not known now what a job
    has in force."""

    newest_decision: DecidedBy | None
    trouble: str | None


def _page_of(kind: Any, told: str) -> dict[str, Any]:
    return answered(Page[kind], {"items": [], "next_cursor": None}, told, 422)


@router.get("/v1/decisions", **_page_of(DecisionRow, "Decisions, the newest first."))
def decisions(request: Request, query: Annotated[DecisionQuery, Query()]) -> Response:
    """Decisions, the newest first by event time, without features."""
    return json_response(_store(request).decisions(query.filters(), query.cursor, query.limit))


@router.get("/v1/decisions/{decision_id}", **answered(DecisionRow, None, "The decision.", 404, 422))
def decision(request: Request, decision_id: DecisionIdInPath) -> Response:
    """One decision with its reasons, and its features by name."""
    found = _store(request).decision(decision_id)
    if found is None:
        raise Problem(
            404, "no-such-decision", "no decision of this id is in the store; new ones get there within seconds"
        )
    return json_response(found)


@router.get("/v1/users/{user_id:path}/timeline", **_page_of(TimelineItem, "What happened, the newest first."))
def timeline(request: Request, user_id: UserIdInPath, query: Annotated[PageQuery, Query()]) -> Response:
    """A user's decisions, logins, account changes and labels, the newest first."""
    return json_response(_store(request).timeline(user_id, query.cursor, query.limit))


@router.get("/v1/alerts", **_page_of(Alert | FlagNotice, "Alerts, the newest first; flags with `kind=flag`."))
def alerts(request: Request, query: Annotated[AlertQuery, Query()]) -> Response:
    """Alerts, the newest first by event time; with `kind=flag` the flags without an action."""
    return json_response(_store(request).alerts(query.filters(), query.cursor, query.limit))


@router.get("/v1/dead-letters", **_page_of(DeadLetterRow, "Dead letters, the newest first."))
def dead_letters(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """Records that could not be processed, the newest first, with the reason."""
    return json_response(_store(request).dead_letters(query.cursor, query.limit))


@router.get("/v1/rules", **answered(RulesAnswer, {"in_force": None, "decided": []}, "Rule sets."))
def rules(request: Request) -> Response:
    """The rule set that decides now, and the versions that have decided, the newest first."""
    services: Services = request.app.state.services
    return json_response(RulesAnswer(in_force=services.rules, decided=services.store.rule_sets()))


@router.get("/v1/bundles", **answered(BundlesAnswer, {"in_force": None, "decided": []}, "Bundles."))
def bundles(request: Request) -> Response:
    """The bundle that decides now, and those that have decided, the newest first."""
    services: Services = request.app.state.services
    return json_response(BundlesAnswer(in_force=services.versions().bundle, decided=services.store.bundles()))


@router.get(
    "/v1/audit",
    **answered(
        Page[AuditEntry], {"items": [msgspec.to_builtins(_AUDIT_EXAMPLE)], "next_cursor": None},
        "Changes, the newest first.", 422,
    ),
)  # fmt: skip
def audit(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """Who changed what, the newest first: keys, the store's upkeep, erasures."""
    return json_response(_store(request).audit_log(query.cursor, query.limit))


_VERSIONS = VersionsAnswer(
    program="0.1.0", answers="embedded", rules="bank", rules_version=1, trouble=None,
    newest_decision=DecidedBy(
        event_time_ms=1_767_614_400_000, bundle="0" * 16, rules_version=1, control_versions={}
    ),
)  # fmt: skip


@router.get("/v1/versions", **answered(VersionsAnswer, msgspec.to_builtins(_VERSIONS), "What decides now."))
def versions(request: Request) -> Response:
    """Versions in force, and those of the newest decision."""
    services: Services = request.app.state.services
    answer = VersionsAnswer(
        **msgspec.structs.asdict(services.versions()), newest_decision=services.store.newest_versions(),
        trouble=services.decides_with().trouble,
    )  # fmt: skip
    return json_response(answer)


def _store(request: Request) -> DecisionStore:
    services: Services = request.app.state.services
    return services.store
