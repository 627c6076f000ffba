"""The detector for programs without an event loop: the asynchronous one, on a thread of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from client.asynchronous import (
    BATCH_SIZE,
    DEADLINE_SECONDS,
    ERASURE_SECONDS,
    RETRIES,
    TIMEOUT_SECONDS,
    AsyncFraudDetector,
)
from client.loop_thread import LoopThread
from client.port import Outcome
from client.results import Erased, Prediction
from client.settings import EmbeddedSettings


class FraudDetector:
    """Decides payments by the API at an address, or in this process. Thread-safe; arguments and methods are those of
    AsyncFraudDetector, but block. Make it after a fork, in each process.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        embedded: str | Path | EmbeddedSettings | None = None,
        api_key: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        deadline_seconds: float = DEADLINE_SECONDS,
        retries: int = RETRIES,
    ) -> None:
        """Raises ValueError, and CannotOpen where the embedded scorer cannot be loaded."""
        self._detector = AsyncFraudDetector(
            address, embedded=embedded, api_key=api_key, timeout_seconds=timeout_seconds,
            deadline_seconds=deadline_seconds, retries=retries,
        )  # fmt: skip
        self._loop = LoopThread()
        try:
            self._loop.run(self._detector.open())
        except BaseException:
            self._loop.close(self._detector.close())
            raise

    def predict(self, transaction: Mapping[str, Any]) -> Prediction:
        """The decision on a payment, given as in docs/events.md. A missing `transaction_id` is made, a missing `timestamp`
        is now; give both where the same payment may be sent by another call, which then gets the same decision.
        """
        return self._loop.run(self._detector.predict(transaction))

    def predict_many(
        self, transactions: Iterable[Mapping[str, Any]], batch_size: int = BATCH_SIZE
    ) -> Iterator[Outcome]:
        """The outcomes in the order of the payments: a prediction, or the exception why one has none.

        `batch_size` payments are one call. Raises where a whole batch gets no outcome.
        """
        rest = iter(transactions)
        while batch := list(islice(rest, batch_size)):
            yield from self.predict_batch(batch)

    def predict_batch(self, transactions: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """As predict_many, in one call."""
        return self._loop.run(self._detector.predict_batch(transactions))

    def send_event(self, event: Mapping[str, Any]) -> str:
        """Deliver a login, an account change or a label (its `type`); returns its id. A missing `event_id` is made, a
        missing `timestamp` (of a label: `known_at`) is now.
        """
        return self._loop.run(self._detector.send_event(event))

    def erase(self, user_id: str, timeout_seconds: float = ERASURE_SECONDS) -> Erased:
        """Erase a user: what decides forgets the user, and nothing of the user is left in the API's store, or in the log of
        the embedded scorer. The API wants the key of an admin. A repeat does it again.
        """
        return self._loop.run(self._detector.erase(user_id, timeout_seconds))

    def close(self) -> None:
        """Let go of connections and files. Calls that still run in other threads raise Closed."""
        self._loop.close(self._detector.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
