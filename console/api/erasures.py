"""Erasing a person: what decides forgets the user, the store removes all of it, and the caller learns what others hold."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.access import Caller, GuardedRoute
from console.api.bodies import content_type_of, read_body
from console.api.documents import ERASURE
from console.api.problems import Problem
from console.api.services import Services
from console.api.shapes import ErasureAnswer, ErasureRequest, json_response
from console.store.rows import AuditEntry
from udfs.records.codec import BadRecord, identifier
from udfs.records.events import Erasure

router = APIRouter(route_class=GuardedRoute, tags=["erasures"])
_decode = msgspec.json.Decoder(ErasureRequest).decode


@router.post("/v1/erasures", **ERASURE)
async def erase(request: Request) -> Response:
    """Erase a user: what decides begins anew with the user, and the store has nothing of the user any more.

    A repeat does it again. It is audited, without the user's id.
    """
    services: Services = request.app.state.services
    content_type_of(request)
    user_id = _user_of(await read_body(request, services.settings.body_bytes, services.settings.body_seconds))
    now_ms = services.now_ms()
    erasure = Erasure(event_id=f"erasure-{secrets.token_hex(8)}", user_id=user_id, timestamp=now_ms)
    if services.forget is not None:
        await services.forget(erasure)  # first: the store would get records of the user from it
    store, caller = services.store, request.scope["caller"]
    assert isinstance(caller, Caller)
    erased = await asyncio.to_thread(store.erase_user, user_id, now_ms)
    entry = AuditEntry(
        at_ms=now_ms, who=caller.name, what="user erased", subject=erasure.event_id, after=dict(erased.counts)
    )
    await asyncio.to_thread(store.audit, entry)
    held = await asyncio.to_thread(services.held, now_ms)
    answer = ErasureAnswer(
        event_id=erasure.event_id, is_forgotten=services.forget is not None, removed=erased.counts, held=held
    )
    return json_response(answer)


def _user_of(payload: bytes) -> str:
    """Raises Problem."""
    try:
        return identifier(_decode(payload).user_id, "user_id")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, BadRecord) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(422, "no-user", f'send {{"user_id": "…"}}: {told}') from None
