"""Erasing a person from the page of a user, by the same code as the API."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.erasing import erase_everywhere
from console.api.problems import Problem
from console.api.services import Services
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import TEXTS, render
from udfs.records.codec import BadRecord, identifier

router = APIRouter(route_class=PageRoute)


@router.get("/erasures/held")
def held(request: Request) -> Response:
    """What others would still hold of a user who is erased now, and until when; asks brokers, where there are any."""
    services: Services = request.app.state.services
    return render(request, "held.html", held=services.held(services.now_ms()))


@router.post("/erasures")
async def erase(request: Request) -> Response:
    """Erase a user whose id was typed twice; gives a page of what was removed and what others still hold. Raises Problem."""
    services: Services = request.app.state.services
    form = {name: values[0].strip() for name, values in form_of(request).items()}
    user_id = form.get("user", "")
    if not is_erasable(user_id):
        raise Problem(422, "no-user", TEXTS("erase.no_user"))
    if form.get("confirm") != user_id:
        raise Problem(422, "not-confirmed", TEXTS("erase.not_confirmed"))
    answer = await erase_everywhere(services, user_id, visitor_of(request).name)
    return await asyncio.to_thread(render, request, "erased.html", user=user_id, answer=answer)


def is_erasable(user_id: str) -> bool:
    """Whether events can be of this user."""
    try:
        identifier(user_id, "user")
    except BadRecord:
        return False
    return True
