"""Payments and their decisions: one, or many at once."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.answers.port import Answers, AnswersError
from console.api.access import GuardedRoute
from console.api.bodies import JSON, NDJSON, content_type_of, read_body
from console.api.documents import BATCH, DECISION
from console.api.problems import Problem, problem_of, unavailable
from console.api.services import Services
from console.api.shapes import BatchAnswer, BatchItem, decision_answer, encoded, json_response

router = APIRouter(route_class=GuardedRoute, tags=["decisions"])
READ_ONLY_RETRY_SECONDS = 60
_raw_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Kind(msgspec.Struct):
    type: str = "transaction"


_kind_of = msgspec.json.Decoder(_Kind).decode


@router.post("/v1/decisions", **DECISION)
async def decide(request: Request) -> Response:
    """Decide one payment.

    Idempotent by user_id and transaction_id: the same event again gets the first decision, another event with these ids 409.
    """
    services: Services = request.app.state.services
    require_answers(services)
    content_type_of(request)
    payload = await read_body(request, services.settings.body_bytes, services.settings.body_seconds)
    return json_response(decision_answer(await request.app.state.deadline.decide(payload)))


@router.post("/v1/decisions:batch", **BATCH)
async def decide_many(request: Request) -> Response:
    """Decide many payments in their order, logins, account changes and labels among them.

    A JSON array, answered by an object, or NDJSON, answered by NDJSON. The problem of one event does not stop the
    others. There is no fallback: the answer waits while decisions come. Where none has come for the deadline, the rest
    get a problem of status 503, to be sent again.
    """
    services: Services = request.app.state.services
    answers = require_answers(services)
    settings = services.settings
    kind = content_type_of(request, with_lines=True)
    items = _items_of(await read_body(request, settings.batch_bytes, settings.body_seconds), kind)
    if len(items) > settings.batch_items:
        raise Problem(413, "too-many", f"{len(items):,} events; send at most {settings.batch_items:,} at a time")
    await request.app.state.gate.take(request.scope["caller"], len(items) - 1)
    outcomes = [asyncio.ensure_future(_answered(answers, item, settings.body_bytes)) for item in items]
    results = await _while_answers_come(outcomes, settings.deadline_ms)
    if kind == NDJSON:
        return Response(b"".join(encoded(item) + b"\n" for item in results), media_type=NDJSON)
    return json_response(BatchAnswer(results=results, failed=sum(item.problem is not None for item in results)))


async def _while_answers_come(outcomes: list[asyncio.Task[BatchItem]], deadline_ms: int) -> list[BatchItem]:
    """Outcomes in their order; a problem for those that are not there when no answer has come for the deadline."""
    waiting = set(outcomes)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=deadline_ms / 1_000)
            if not any(one.result().problem is None for one in done):
                break
    finally:
        for one in waiting:
            one.cancel()
    late = _item_of(unavailable(f"no decision within {deadline_ms} ms; send the same event again", 1))
    return [late if one in waiting else one.result() for one in outcomes]


def require_answers(services: Services) -> Answers:
    """Raises Problem if this console does not decide."""
    if services.answers is None:
        raise Problem(
            503, "read-only", "this console reads a store and decides nothing; send payments to one that scores",
            {"Retry-After": str(READ_ONLY_RETRY_SECONDS)},
        )  # fmt: skip
    return services.answers


def _items_of(payload: bytes, kind: str) -> list[bytes]:
    """The JSON of each event. Raises Problem."""
    if kind != JSON:
        return [line for line in payload.splitlines() if line.strip()]
    try:
        return [bytes(item) for item in _raw_items(payload)]
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(422, "no-array", f"send a JSON array of events, or NDJSON: {told}") from None


async def _answered(answers: Answers, payload: bytes, limit_bytes: int) -> BatchItem:
    try:
        if len(payload) > limit_bytes:
            raise Problem(413, "too-large", f"an event is at most {limit_bytes:,} bytes")
        if _is_transaction(payload):
            return BatchItem(status=200, decision=decision_answer(await answers.decide(payload)))
        return BatchItem(status=202, event_id=await answers.accept(payload))
    except (AnswersError, Problem) as error:
        return _item_of(problem_of(error))


def _item_of(problem: Problem) -> BatchItem:
    wait_seconds = problem.headers.get("Retry-After")
    return BatchItem(
        status=problem.status, problem=problem.body(),
        retry_after_seconds=None if wait_seconds is None else int(wait_seconds),
    )  # fmt: skip


def _is_transaction(payload: bytes) -> bool:
    """By the event's tag; also of what cannot be read, which `decide` refuses with its reason."""
    try:
        return _kind_of(payload).type not in ("login", "account_change", "label")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return True
