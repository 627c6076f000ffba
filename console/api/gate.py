"""The gate before the routes: who calls, and whether at an allowed rate."""

from __future__ import annotations

from math import ceil
from time import monotonic, time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.types import Scope

from console.api.access import CHALLENGE, LOCAL, Caller
from console.api.keys import KeyRing, keys_in_force
from console.api.problems import Problem
from console.api.services import Services


class Gate:
    """Knows the callers and their rates. Used by one event loop."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._needs_keys = settings.needs_keys
        self._ring = KeyRing(lambda: keys_in_force(services.store.keys()), monotonic)
        self._per_minute = settings.requests_per_minute
        self._limit = RateLimitItemPerMinute(settings.requests_per_minute)
        self._rates = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def caller_of(self, scope: Scope) -> Caller:
        """The caller by the key of the request. Raises Problem without a valid key, where one is needed or given."""
        key = _key_of(scope)
        if key is None:
            if not self._needs_keys:
                return LOCAL
            raise Problem(
                401, "no-key", "send an API key, as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'", CHALLENGE
            )
        caller = await self._ring.find(key)
        if caller is None:
            raise Problem(
                401, "unknown-key", "this API key is not known or was revoked; ask for one made by `fraud console keys add`",
                CHALLENGE,
            )  # fmt: skip
        return caller

    async def take(self, caller: Caller, count: int) -> None:
        """Count so many payments or requests of the caller. Raises Problem above its rate."""
        if count <= 0 or await self._rates.hit(self._limit, caller.name, cost=count):
            return
        window = await self._rates.get_window_stats(self._limit, caller.name)
        seconds = max(1, ceil(window.reset_time - time()))
        raise Problem(
            429, "too-many-requests",
            f"more than {self._per_minute} requests a minute by {caller.name!r}; wait {seconds} s, then send fewer",
            {"Retry-After": str(seconds)},
        )  # fmt: skip


def _key_of(scope: Scope) -> str | None:
    """The key that was sent. Raises Problem for another scheme, and for a key that is sent twice."""
    found = [value for name, value in scope["headers"] if name in (b"authorization", b"x-api-key")]
    if not found:
        return None
    if len(found) > 1:
        raise Problem(401, "several-keys", "send one API key, in one header", CHALLENGE)
    text = str(found[0], "latin-1").strip()
    if any(name == b"authorization" for name, _ in scope["headers"]):
        scheme, _, text = text.partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "other-scheme", "send the API key as 'Authorization: Bearer KEY'", CHALLENGE)
        text = text.strip()
    return text
