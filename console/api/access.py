"""Who may call what: the table of routes and roles, and the routes that look into it."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from console.api.problems import Problem
from console.store.rows import ROLES, Role

_SCORES: frozenset[Role] = frozenset({"scorer", "admin"})
_READS: frozenset[Role] = frozenset({"viewer", "analyst", "admin"})
_CHANGES: frozenset[Role] = frozenset({"analyst", "admin"})
_ADMINISTERS: frozenset[Role] = frozenset({"admin"})
_ALL: frozenset[Role] = frozenset(ROLES)
_OPEN = None
"""No key is asked for."""

ACCESS: dict[tuple[str, str], frozenset[Role] | None] = {
    ("POST", "/v1/decisions"): _SCORES,
    ("POST", "/v1/decisions:batch"): _SCORES,
    ("POST", "/v1/events"): _SCORES,
    ("POST", "/api/check-fraud"): _SCORES,
    ("POST", "/predict"): _SCORES,
    ("GET", "/v1/decisions"): _READS,
    ("GET", "/v1/decisions/{decision_id}"): _READS,
    ("GET", "/v1/users/{user_id}/timeline"): _READS,
    ("GET", "/v1/alerts"): _READS,
    ("GET", "/v1/dead-letters"): _READS,
    ("GET", "/v1/rules"): _READS,
    ("GET", "/v1/rules/proposals"): _READS,
    ("POST", "/v1/rules/proposals"): _CHANGES,
    ("POST", "/v1/rules/proposals/{proposal_id}/approval"): _CHANGES,
    ("POST", "/v1/rules/proposals/{proposal_id}/publish"): _CHANGES,
    ("GET", "/v1/control/history"): _READS,
    ("GET", "/v1/bundles"): _READS,
    ("GET", "/v1/audit"): _ADMINISTERS,
    ("POST", "/v1/erasures"): _ADMINISTERS,
    ("GET", "/v1/versions"): _ALL,
    ("GET", "/metrics"): _READS,
    ("GET", "/livez"): _OPEN,
    ("GET", "/readyz"): _OPEN,
}
"""Method and path -> roles that may call it. A route that is not listed here cannot be made."""

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fraud console"'}


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who sent a request: the name of the key, or `local` without keys."""

    name: str
    role: Role


LOCAL = Caller("local", "admin")


class GuardedRoute(APIRoute):
    """A route that is served only to callers with a role of ACCESS, within their rate."""

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        """Raises KeyError for a route without a line in ACCESS."""
        super().__init__(path, *arguments, **options)
        self._roles: dict[str, frozenset[Role] | None] = {
            method: ACCESS[method, self.path_format] for method in self.methods or ()
        }

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. Raises Problem if it is not let through."""
        template, method = self.path_format, scope["method"]
        scope["route_template"] = template
        if method not in self._roles:
            allowed = ", ".join(sorted(one for one, path in ACCESS if path == template))
            raise Problem(
                405, "wrong-method", f"this path does not take this method; send {allowed}", {"Allow": allowed}
            )
        roles = self._roles[method]
        if roles is not None:
            gate = scope["app"].state.gate
            caller: Caller = await gate.caller_of(scope)
            scope["caller"] = caller
            if caller.role not in roles:
                needed = " or ".join(sorted(roles))
                raise Problem(
                    403, "role-not-allowed", f"the key {caller.name!r} has the role {caller.role}; this needs {needed}"
                )
            await gate.take(caller, 1)
        await super().handle(scope, receive, send)
