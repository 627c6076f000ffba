"""Callers of the API who note every answer: payments at a constant rate, and repeats of what was not decided."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from time import monotonic
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from benchmarks.api_load import PATH, payment

MOST_WAITING = 500
"""Calls on the way at a time; those that are due then wait, as threads of a busy caller would."""
PAUSE_SECONDS = 0.5
NOT_CONNECTED = 0


class Decided(NamedTuple):
    """What a caller was told, without fallbacks."""

    action: str
    risk_score: int | None


@dataclass
class Calls:
    """What the calls of one phase came to; times in seconds of the monotonic clock.

    `unhelpful`: refusals without Retry-After. `good_s`: when decisions were received.
    """

    decided: int = 0
    degraded: int = 0
    refused: int = 0
    unhelpful: int = 0
    not_connected: int = 0
    other: list[str] = field(default_factory=list)
    good_s: list[float] = field(default_factory=list)

    def seconds_without(self, since_s: float) -> float:
        """The longest time without a decision from a moment on."""
        times = [since_s, *(at for at in self.good_s if at > since_s)]
        return max((later - earlier for earlier, later in pairwise(times)), default=math.inf)


class Caller:
    """Sends payments, and keeps by transaction id what was sent and what was decided."""

    def __init__(self, url: str, users: int, seed: int) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, timeout=5, limits=httpx.Limits(max_connections=MOST_WAITING, max_keepalive_connections=64)
        )
        self._random = Random(seed)
        self._users = users
        self._prefix = uuid4().hex[:8]
        self._sent = 0
        self.payments: dict[str, dict[str, Any]] = {}
        self.decided: dict[str, Decided] = {}
        self.contradictions: list[str] = []

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, rate: float, seconds: float, calls: Calls) -> None:
        """Payments in open loop; returns when the last one was answered, refused or given up."""
        free = asyncio.Semaphore(MOST_WAITING)
        begin = monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, begin + number / rate - monotonic()))
                await free.acquire()
                event = payment(self._random, f"{self._prefix}-{self._sent}", self._users)
                self._sent += 1
                self.payments[event["transaction_id"]] = event
                group.create_task(self._call(event, calls)).add_done_callback(lambda _: free.release())

    async def repeat_undecided(self, seconds: float) -> int:
        """Send what has no decision until it has one, at most so long. Returns the number that has none then."""
        deadline = monotonic() + seconds
        while (left := self.undecided()) and monotonic() < deadline:
            await self._repeat(left)
            if self.undecided():
                await asyncio.sleep(PAUSE_SECONDS)
        return len(self.undecided())

    async def repeat_all(self) -> int:
        """Send everything that was decided once more. Returns how many had no answer; contradictions are noted."""
        calls = Calls()
        await self._repeat(list(self.decided), calls)
        return len(self.decided) - calls.decided

    def undecided(self) -> list[str]:
        """Ids that were sent and have no decision, only refusals, fallbacks or no answer."""
        return [name for name in self.payments if name not in self.decided]

    async def _repeat(self, names: list[str], calls: Calls | None = None) -> None:
        free = asyncio.Semaphore(32)
        noted = Calls() if calls is None else calls

        async def one(name: str) -> None:
            async with free:
                await self._call(self.payments[name], noted)

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name))

    async def _call(self, event: dict[str, Any], calls: Calls) -> None:
        try:
            answer = await self._client.post(PATH, json=event)
        except httpx.TransportError:
            calls.not_connected += 1
            return
        if answer.status_code == 503:
            calls.refused += 1
            calls.unhelpful += "retry-after" not in answer.headers
        elif answer.status_code != 200:
            calls.other.append(f"{answer.status_code} {answer.text[:200]}")
        elif answer.json()["degraded"] is not None:
            calls.degraded += 1
        else:
            self._note(event["transaction_id"], answer.json(), calls)

    def _note(self, name: str, answer: dict[str, Any], calls: Calls) -> None:
        calls.decided += 1
        calls.good_s.append(monotonic())
        told = Decided(answer["action"], answer["risk_score"])
        before = self.decided.setdefault(name, told)
        if before != told:
            self.contradictions.append(f"{name}: {before} and then {told}")
