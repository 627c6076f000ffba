"""Proposals: made from the editor or by a rule's state and roll-out, approved by a second person, published."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from console.api.problems import Problem
from console.api.proposals import MOST_LISTED, ProposalId, desk_of, refusing
from console.control_desk import ApprovalRequest, ProposalRequest, PublicationRequest
from console.rules.drafts import changes_of, draft_of, with_standing
from console.store.backtests import keep_backtest, kept_backtest
from console.store.control import ProposalRow, ProposalState
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import HEADERS, render
from console.web.rule_context import known_of, require_known, services_of
from console.web.rule_editor import editor, text_of
from console.web.rule_previews import alerts_among, previews_of
from jobs.control.publishing import element_of
from udfs.control.elements import RULES, ControlElement, RulesControl
from udfs.records.outputs import ACTIONS
from udfs.rules.rule_file_text import rule_file_text
from udfs.rules.rule_set import RuleSet, RuleState

router = APIRouter(route_class=PageRoute)
ROLLOUTS: dict[str, tuple[RuleState, int]] = {
    "shadow": ("shadow", 100), "10": ("live", 10), "50": ("live", 50), "100": ("live", 100), "retired": ("retired", 100),
}  # fmt: skip


class Shown(NamedTuple):
    """A proposal as the pages tell it. `may_approve`, `may_publish`: this visitor, now."""

    row: ProposalRow
    state: ProposalState
    needs_approval: bool
    is_author: bool
    may_approve: bool
    may_publish: bool


@router.get("/rules-proposals")
def proposals_page(request: Request) -> Response:
    """The newest proposals of all kinds."""
    if services_of(request).control is None:
        return render(request, "proposals.html", proposals=None)
    rows = refusing(lambda: desk_of(request).proposals(MOST_LISTED))
    return render(request, "proposals.html", proposals=[_shown(request, row) for row in rows])


@router.post("/rules-proposals")
def propose(request: Request) -> Response:
    """Propose the rules of a text. Where other rules came into force since it was begun, the editor comes back with what it
    would change of them. Raises Problem if they have errors, or if the backtest is of others."""
    desk_of(request)
    known = require_known(request)
    based_on = _field(request, "based_on")
    if based_on and known.rules is not None and based_on != str(known.rules.version):
        return editor(request, known, text_of(request), known.rules.version)
    rule_set = draft_of(text_of(request), known).rule_set
    if rule_set is None:
        raise Problem(422, "rules", "these rules have errors: see the list beside them")
    backtest = _field(request, "backtest") or None
    if backtest is not None:
        _keep(request, backtest, rule_set)
    return _proposed(request, rule_set, backtest)


@router.post("/rules/{rule_id}/standing")
def change_standing(request: Request, rule_id: str) -> Response:
    """Propose the rules in force with one rule in another state, or for another share of the customers."""
    desk_of(request)
    known = require_known(request)
    wanted = ROLLOUTS.get(_field(request, "to"))
    if wanted is None:
        raise Problem(422, "state", f"to: give one of {', '.join(ROLLOUTS)}")
    rule_set = with_standing(known, rule_id, *wanted)
    if rule_set is None:
        raise Problem(409, "no-change", "the rule is not in force, or stands like that already")
    return _proposed(request, rule_set, None)


@router.get("/rules-proposals/{proposal_id}")
def proposal_page(request: Request, proposal_id: ProposalId) -> Response:
    """What one changes, who made and approved it, and what its backtest found."""
    row = refusing(lambda: desk_of(request).proposal(proposal_id))
    shown, element = _shown(request, row), refusing(lambda: element_of(row.proposal))
    known = known_of(request)
    rule_set = element.rule_set if isinstance(element, RulesControl) else None
    changes = None if rule_set is None else changes_of(rule_set, known, row.location is not None)
    backtest = row.proposal.authorship.backtest
    report, linked = _report(request, backtest)
    return render(
        request, "proposal.html", shown=shown, element=_told(element), note=element.note,
        changes=changes, is_rules=rule_set is not None, backtest=backtest, report=report, linked=linked,
        actions=ACTIONS, emergency_until=_emergency_until(request, row),
    )  # fmt: skip


@router.get("/rules-proposals/{proposal_id}/edit")
def edit(request: Request, proposal_id: ProposalId) -> Response:
    """The editor with the rules of a proposal."""
    row = refusing(lambda: desk_of(request).proposal(proposal_id))
    element = refusing(lambda: element_of(row.proposal))
    if not isinstance(element, RulesControl):
        raise Problem(409, "no-rules", "this proposal is not of rules")
    return editor(request, known_of(request), rule_file_text(element.rule_set))


@router.post("/rules-proposals/{proposal_id}/approve")
def approve(request: Request, proposal_id: ProposalId) -> Response:
    """Approve what another person proposed: the content and the backtest of the page that was looked at."""
    asked = ApprovalRequest(
        element_sha256=_field(request, "element_sha256"), backtest=_field(request, "backtest") or None
    )
    refusing(lambda: desk_of(request).approve(visitor_of(request).name, proposal_id, asked))
    services_of(request).look_again()
    return _to(proposal_id)


@router.post("/rules-proposals/{proposal_id}/publish")
def publish(request: Request, proposal_id: ProposalId) -> Response:
    """Send it to the running job."""
    asked = PublicationRequest(element_sha256=_field(request, "element_sha256"))
    refusing(lambda: desk_of(request).publish(visitor_of(request).name, proposal_id, asked))
    services_of(request).look_again()
    return _to(proposal_id)


def _proposed(request: Request, rule_set: RuleSet, backtest: str | None) -> Response:
    element: dict[str, Any] = {"kind": RULES, "rule_set": msgspec.to_builtins(rule_set)}
    note = _field(request, "note").strip()
    if note:
        element["note"] = note
    asked = ProposalRequest(element=element, backtest=backtest, emergency=_field(request, "emergency") == "1")
    row = refusing(lambda: desk_of(request).propose(visitor_of(request).name, asked))
    return _to(row.proposal_id)


def _keep(request: Request, backtest: str, rule_set: RuleSet) -> None:
    """Keep the report of a backtest with the proposal. Raises Problem unless it is of these rules."""
    found = previews_of(request).of_backtest(backtest)
    if found is None or found.report is None or found.rules != rule_set:
        raise Problem(409, "other-backtest", "the rules were changed since they were tried: try them again, or propose "
                      "without a backtest")  # fmt: skip
    services = services_of(request)
    keep_backtest(services.store.database, found.report, visitor_of(request).name, services.now_ms())


def _report(request: Request, backtest: str | None) -> tuple[dict[str, Any] | None, set[str]]:
    if backtest is None:
        return None, set()
    found = previews_of(request).of_backtest(backtest)
    if found is not None and found.report is not None:
        return found.report, alerts_among(request, found.report)
    return kept_backtest(services_of(request).store.database, backtest), set()


def _shown(request: Request, row: ProposalRow) -> Shown:
    desk, visitor = desk_of(request), visitor_of(request)
    authorship, approval = row.proposal.authorship, row.proposal.approval
    needs_approval = desk.needs_approval(row.element_key.partition("/")[0])
    is_author = authorship.person.casefold() == visitor.name.casefold()
    works = visitor.role in ("analyst", "admin")
    may_approve = works and not is_author and approval is None and (row.state == "proposed" or authorship.emergency)
    may_publish = (
        works and row.state != "published" and (approval is not None or not needs_approval or authorship.emergency)
    )
    return Shown(row, row.state, needs_approval, is_author, may_approve, may_publish)


def _emergency_until(request: Request, row: ProposalRow) -> int | None:
    """When an emergency ends that nobody has approved; None for others."""
    authorship = row.proposal.authorship
    if not authorship.emergency or row.proposal.approval is not None:
        return None
    return authorship.at_ms + desk_of(request).emergency_ms


def _told(element: ControlElement) -> str:
    """The element as JSON, for kinds that have no page of their own."""
    return msgspec.json.format(msgspec.json.encode(element), indent=2).decode()[:200_000]


def _to(proposal_id: int) -> Response:
    return RedirectResponse(f"/rules-proposals/{proposal_id}", 303, headers=HEADERS)


def _field(request: Request, name: str) -> str:
    return form_of(request).get(name, [""])[0]
