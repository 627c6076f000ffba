"""Changes of the running job's rules: proposed by one person, approved by another, published, and told again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from console.api.access import GuardedRoute
from console.api.bodies import content_type_of, read_body
from console.api.documents import answered, schema_of
from console.api.problems import Problem
from console.api.services import Services
from console.api.shapes import json_response
from console.control_desk import ApprovalRequest, ControlDesk, NoSuchProposal, ProposalRequest, PublicationRequest
from console.store.control import ProposalRow
from jobs.control.channel import ChannelError
from udfs.control.authority import NotAuthorised
from udfs.control.elements import ControlError
from udfs.control.history import HistoryEntry

router = APIRouter(route_class=GuardedRoute, tags=["control"])
Answer = TypeVar("Answer")
MOST_LISTED = 100
ProposalId = Annotated[int, Path(ge=1, le=2**53)]


class ProposalAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A proposal. `state`: proposed, approved or published. `element_sha256`: what an approval is of."""

    proposal_id: int
    state: str
    key: str
    version: int
    element: msgspec.Raw
    element_sha256: str
    author: str
    proposed_at_ms: int
    emergency: bool = False
    backtest: str | None = None
    approver: str | None = None
    approved_at_ms: int | None = None
    published_at_ms: int | None = None
    location: str | None = None


_EXAMPLE = {
    "proposal_id": 1, "state": "proposed", "key": "thresholds", "version": 3,
    "element": {"kind": "thresholds", "version": 3, "refer_to_analyst": 500, "soft_challenge": 700, "hard_block": 900},
    "element_sha256": "0" * 64, "author": "alice", "proposed_at_ms": 1_767_614_400_000, "backtest": "b1",
}  # fmt: skip


def _documented(told: str, body: type | None = None, example: Any = None, status: int = 200) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if body is not None:
        content = {"application/json": {"schema": schema_of(body), "example": example}}
        options["openapi_extra"] = {"requestBody": {"required": True, "content": content}}
    return answered(ProposalAnswer, _EXAMPLE, told, 404, 409, 413, 415, 422, status=status, **options)


@router.get("/v1/rules/proposals", **answered(list[ProposalAnswer], [_EXAMPLE], "Proposals, the newest first.", 409))
def proposals(request: Request) -> Response:
    """The newest hundred proposals."""
    return json_response([_answer(row) for row in refusing(lambda: desk_of(request).proposals(MOST_LISTED))])


@router.post(
    "/v1/rules/proposals",
    **_documented("The proposal.", ProposalRequest, {"element": _EXAMPLE["element"], "backtest": "b1"}, status=201),
)
async def propose(request: Request) -> Response:
    """Propose a control element: rules, thresholds, an entry of the block list or a bundle.

    It is checked as the job checks it. Without `version` it gets the next one.
    """
    desk, who = desk_of(request), request.scope["caller"].name
    asked = await _body(request, ProposalRequest)
    row = await asyncio.to_thread(refusing, lambda: desk.propose(who, asked))
    return json_response(_answer(row), status=201)


@router.post(
    "/v1/rules/proposals/{proposal_id}/approval",
    **_documented("The proposal.", ApprovalRequest, {"element_sha256": "0" * 64, "backtest": "b1"}),
)
async def approve(request: Request, proposal_id: ProposalId) -> Response:
    """Approve what another person proposed: this content and this backtest, and nothing else."""
    desk, who = desk_of(request), request.scope["caller"].name
    asked = await _body(request, ApprovalRequest)
    row = await asyncio.to_thread(refusing, lambda: desk.approve(who, proposal_id, asked))
    return json_response(_answer(row))


@router.post(
    "/v1/rules/proposals/{proposal_id}/publish",
    **_documented("The proposal.", PublicationRequest, {"element_sha256": "0" * 64}),
)
async def publish(request: Request, proposal_id: ProposalId) -> Response:
    """Send a proposal to the running job."""
    desk, who = desk_of(request), request.scope["caller"].name
    asked = await _body(request, PublicationRequest)
    row = await asyncio.to_thread(refusing, lambda: desk.publish(who, proposal_id, asked))
    return json_response(_answer(row))


@router.get("/v1/control/history", **answered(list[HistoryEntry], [], "What was published, oldest first.", 409, 422))
def history(request: Request, at_ms: int | None = None) -> Response:
    """All that was published and what became of it, or with `at_ms` what was in force then."""
    return json_response(refusing(lambda: desk_of(request).history(at_ms)))


def desk_of(request: Request) -> ControlDesk:
    services: Services = request.app.state.services
    if services.control is None:
        raise Problem(
            409, "no-control", "this console changes no job: start it with --config of a job that has a control stream"
        )
    return services.control


async def _body(request: Request, kind: type[Answer]) -> Answer:
    services: Services = request.app.state.services
    content_type_of(request)
    settings = services.settings
    payload = await read_body(request, settings.batch_bytes, settings.body_seconds)
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(422, "invalid-body", told) from None


def refusing(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except NoSuchProposal as error:
        raise Problem(404, "no-such-proposal", str(error)) from None
    except NotAuthorised as error:
        raise Problem(409, "not-approved", str(error)) from None
    except ControlError as error:
        raise Problem(422, "element-refused", str(error)) from None
    except ChannelError as error:
        raise Problem(503, "unavailable", str(error), {"Retry-After": "5"}) from None


def _answer(row: ProposalRow) -> ProposalAnswer:
    authorship, approval = row.proposal.authorship, row.proposal.approval
    return ProposalAnswer(
        proposal_id=row.proposal_id, state=row.state, key=row.element_key, version=row.element_version,
        element=row.proposal.element, element_sha256=authorship.element_sha256, author=authorship.person,
        proposed_at_ms=authorship.at_ms, emergency=authorship.emergency, backtest=authorship.backtest,
        approver=None if approval is None else approval.person,
        approved_at_ms=None if approval is None else approval.at_ms,
        published_at_ms=row.published_ms, location=row.location,
    )  # fmt: skip
