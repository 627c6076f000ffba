"""Whether brokers take events, from what the client tells and what was delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from console.answers.port import Unavailable

PROBE_SECONDS = 5.0
"""Longer than a delivery is waited for; what was sent meanwhile tells of the return of a broker, too."""
DELIVERY_SECONDS = 2.0
"""Within which an event is delivered while brokers are there; its sender is told to send it again after that."""
Result = TypeVar("Result")


class BrokerState:
    """Thread-safe. While no broker can be reached, events are refused at once, but for one each PROBE_SECONDS that tries."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now`: monotonic seconds."""
        self._now = now
        self._lock = Lock()
        self._trouble: str | None = None
        self._probed = float("-inf")

    def on_error(self, error: Any) -> None:
        """The client told of an error."""
        from confluent_kafka import KafkaError

        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            with self._lock:
                self._trouble = str(error.str())

    def on_taken(self) -> None:
        """A broker took an event, or gave a record."""
        self._trouble = None

    def refusal(self) -> str | None:
        """Why an event is refused now; None if it is to be sent."""
        with self._lock:
            now = self._now()
            if self._trouble is None or now - self._probed >= PROBE_SECONDS:
                self._probed = now
                return None
            return self._trouble


async def within_delivery_time(delivered: asyncio.Future[Result]) -> Result:
    """What comes of a delivery. It goes on after the time: an event that comes twice changes nothing. Raises Unavailable."""
    try:
        return await asyncio.wait_for(delivered, DELIVERY_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"Kafka has not taken the event within {DELIVERY_SECONDS:g} s; send it again", retry_after_seconds=2
        ) from None
