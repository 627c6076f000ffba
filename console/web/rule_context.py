"""What the pages on rules work with."""

from __future__ import annotations

from fastapi import Request

from console.api.problems import Problem
from console.api.services import Services
from console.decides_with import DecidesWith


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def known_of(request: Request) -> DecidesWith:
    """What decides, or what was known of it last."""
    return services_of(request).decides_with()


def require_known(request: Request) -> DecidesWith:
    """What decides, with all that was published until now. Raises Problem where that is not known now."""
    services_of(request).look_again()
    known = known_of(request)
    if known.trouble is not None:
        raise Problem(503, "control", known.trouble)
    return known
