"""Erasing a person: what decides forgets the user, the store removes all of it, and the caller learns what others hold."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.access import Caller, GuardedRoute
from console.api.bodies import content_type_of, read_body
from console.api.documents import ERASURE
from console.api.erasing import erase_everywhere
from console.api.problems import Problem
from console.api.services import Services
from console.api.shapes import ErasureRequest, json_response
from udfs.records.codec import BadRecord, identifier

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
    caller = request.scope["caller"]
    assert isinstance(caller, Caller)
    return json_response(await erase_everywhere(services, user_id, caller.name))


def _user_of(payload: bytes) -> str:
    """Raises Problem."""
    try:
        return identifier(_decode(payload).user_id, "user_id")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, BadRecord) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(422, "no-user", f'send {{"user_id": "…"}}: {told}') from None
