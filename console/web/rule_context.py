"""What the pages on rules know: what is in force, or why that is not known now."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import Request

from console.api.problems import Problem
from console.api.services import Services
from console.rules.in_force import InForceReader, InForceRules
from jobs.control.channel import ChannelError
from udfs.control.elements import ControlError


class Known(NamedTuple):
    """`problem`: why the control stream does not tell what is in force; None if it does, or if there is none."""

    rules: InForceRules
    problem: str | None


def known_of(request: Request) -> Known:
    """What is in force, at most a moment old."""
    reader: InForceReader = request.app.state.rules_in_force
    try:
        return Known(reader(), None)
    except (ChannelError, ControlError) as error:
        return Known(services_of(request).deciding, str(error))


def require_known(request: Request) -> InForceRules:
    """The same. Raises Problem where the control stream does not answer."""
    known = known_of(request)
    if known.problem is not None:
        raise Problem(503, "control", known.problem)
    return known.rules


def forget_known(request: Request) -> None:
    """Something was published."""
    reader: InForceReader = request.app.state.rules_in_force
    reader.forget()


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services
