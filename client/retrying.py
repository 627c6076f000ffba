"""Attempts of a call until one succeeds: with the same payload, so that a payment is decided once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import uniform
from typing import TypeVar

from client.errors import RateLimited, TimedOut, Unavailable
from client.port import Outcome
from client.settings import CallLimits

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
DECIDED_OR_NOT = "the payment may have been decided: send the same content again to get the decision"
ERASED_OR_NOT = "the user may have been erased: erase again, which does no harm"
Result = TypeVar("Result")


async def with_retries(
    attempt: Callable[[], Awaitable[Result]], limits: CallLimits, late: str = DECIDED_OR_NOT
) -> Result:
    """The result of the first attempt that succeeds. `late`: what may have happened if no answer comes in time.

    Repeats after RateLimited, Unavailable and an attempt's time-out, no earlier than was asked for. Raises the last
    attempt's error (TimedOut for a time-out) after the last retry, and at once where the next attempt would be after
    the deadline.
    """
    clock = asyncio.get_running_loop().time
    ends = clock() + limits.deadline_seconds
    attempts = 0
    while True:
        error: RateLimited | Unavailable | TimedOut
        try:
            async with asyncio.timeout(min(limits.timeout_seconds, ends - clock())):
                return await attempt()
        except TimeoutError:
            error = _timed_out(attempts + 1, limits, late)
        except (RateLimited, Unavailable) as refused:
            error = refused
        wait_seconds = _wait_seconds(attempts, error)
        if attempts == limits.retries or clock() + wait_seconds >= ends:
            raise error
        attempts += 1
        await asyncio.sleep(wait_seconds)


async def many_with_retries(
    attempt: Callable[[Sequence[bytes]], Awaitable[list[Outcome]]], payloads: Sequence[bytes], limits: CallLimits
) -> list[Outcome]:
    """Outcomes in the order of the payloads; those that are to wait are sent again, without the others.

    Raises as `with_retries` where no attempt got outcomes.
    """
    outcomes: dict[int, Outcome] = {}
    waiting = list(range(len(payloads)))

    async def attempt_waiting() -> None:
        nonlocal waiting
        answers = await attempt([payloads[place] for place in waiting])
        outcomes.update(zip(waiting, answers, strict=True))
        refused = {place: answer for place, answer in outcomes.items() if isinstance(answer, RateLimited | Unavailable)}
        waiting = list(refused)
        if refused:
            raise max(refused.values(), key=lambda error: error.retry_after_seconds or 0.0)

    try:
        await with_retries(attempt_waiting, limits)
    except (RateLimited, Unavailable, TimedOut):
        if not outcomes:
            raise
    return [outcomes[place] for place in range(len(payloads))]


def _wait_seconds(number: int, error: RateLimited | Unavailable | TimedOut) -> float:
    """The wait after an attempt (from 0): what was asked for or half of a doubling one, and up to that half by chance."""
    half = min(FIRST_WAIT_SECONDS * 2**number, LONGEST_WAIT_SECONDS) / 2
    asked_for = None if isinstance(error, TimedOut) else error.retry_after_seconds
    return (half if asked_for is None else asked_for) + uniform(0, half)


def _timed_out(attempts: int, limits: CallLimits, late: str) -> TimedOut:
    return TimedOut(
        f"no answer in {attempts} attempt{'s' * (attempts > 1)} of {limits.timeout_seconds:g} s within "
        f"{limits.deadline_seconds:g} s; {late}"
    )
