"""A decision within a deadline, or the configured fallback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from console.answers.payloads import transaction_of
from console.answers.port import Answer, Answers, Unavailable
from console.settings import Fallback
from udfs.records.outputs import Action

_ACTIONS: dict[Fallback, Action] = {"allow": "allow", "refer": "refer_to_analyst"}
RETRY_AFTER_SECONDS = 1
GIVE_UP_SECONDS = 60.0
"""After which a decision is not waited for any more; a lost one would be waited for without end."""


class DecisionDeadline:
    """Waits for decisions until a deadline. What is not decided then goes on, and reaches the store."""

    def __init__(
        self,
        answers: Answers,
        deadline_seconds: float,
        fallback: Fallback,
        on_fallback: Callable[[Fallback], None],
        on_late: Callable[[], None],
    ) -> None:
        """`on_fallback`: called for each payment that is answered by the fallback; `on_late`: when its decision is there."""
        self._answers = answers
        self._deadline_seconds = deadline_seconds
        self._fallback = fallback
        self._on_fallback = on_fallback
        self._on_late = on_late
        self._going_on: set[asyncio.Task[Answer]] = set()

    async def decide(self, payload: bytes) -> Answer:
        """The answer to a transaction, `degraded` if it is the fallback. Raises as Answers.decide does, and Unavailable
        where the fallback is "503"."""
        task = asyncio.ensure_future(self._answers.decide(payload))
        self._going_on.add(task)  # the loop keeps weak references only
        try:
            await asyncio.wait((task,), timeout=self._deadline_seconds)
        finally:
            if task.done():
                self._going_on.discard(task)
            else:  # also if the caller is cancelled
                task.add_done_callback(self._came_late)
                giving_up = asyncio.get_running_loop().call_later(GIVE_UP_SECONDS, task.cancel)
                task.add_done_callback(lambda _: giving_up.cancel())
        if task.done():
            return task.result()
        self._on_fallback(self._fallback)
        return self._fallback_of(payload)

    def _fallback_of(self, payload: bytes) -> Answer:
        if self._fallback == "503":
            milliseconds = round(self._deadline_seconds * 1000)
            raise Unavailable(
                f"no decision within {milliseconds} ms; send the same event again for it", RETRY_AFTER_SECONDS
            )
        event = transaction_of(payload)
        return Answer(
            user_id=event.user_id, transaction_id=event.transaction_id, action=_ACTIONS[self._fallback], risk_score=None,
            degraded="timeout",
        )  # fmt: skip

    def _came_late(self, task: asyncio.Task[Answer]) -> None:
        self._going_on.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._on_late()
