"""Logins, account changes and labels."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.access import GuardedRoute
from console.api.bodies import content_type_of, read_body
from console.api.decisions import require_answers
from console.api.documents import EVENT
from console.api.services import Services
from console.api.shapes import EventTaken, json_response

router = APIRouter(route_class=GuardedRoute, tags=["events"])


@router.post("/v1/events", **EVENT)
async def take_event(request: Request) -> Response:
    """Take a login, an account change or a label. It counts for the user's payments after it; a repeat changes nothing."""
    services: Services = request.app.state.services
    answers = require_answers(services)
    content_type_of(request)
    payload = await read_body(request, services.settings.body_bytes, services.settings.body_seconds)
    return json_response(EventTaken(event_id=await answers.accept(payload)), 202)
