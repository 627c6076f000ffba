"""The detector for programs with an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from client.errors import Closed, EventRefused
from client.payloads import event_payload, transaction_payload, user_of
from client.port import Outcome, Transport
from client.results import Erased, Prediction
from client.retrying import ERASED_OR_NOT, many_with_retries, with_retries
from client.settings import CallLimits, EmbeddedSettings

TIMEOUT_SECONDS = 2.0
DEADLINE_SECONDS = 10.0
RETRIES = 2
BATCH_SIZE = 64
ERASURE_SECONDS = 60.0


class AsyncFraudDetector:
    """Decides payments by the API at an address, or in this process. Calls may be concurrent; they belong to one event loop.

    Every method raises the exceptions of client.errors, and Closed after `close`.
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
        """`address`: of the API, such as http://127.0.0.1:8717. `embedded`: the scorer's log in place of an address.

        `timeout_seconds`: of one attempt. `deadline_seconds`: of a call with its retries. Raises ValueError.
        """
        self._limits = CallLimits(timeout_seconds, deadline_seconds, retries)
        self._transport = _transport_of(address, embedded, api_key)
        self._opening = asyncio.Lock()
        self._is_open = False
        self._is_closed = False

    async def open(self) -> None:
        """Get ready; the first call does so otherwise. Embedded it loads for about a second. Raises CannotOpen, Closed."""
        async with self._opening:
            if self._is_closed:
                raise Closed("the detector is closed; make a new one")
            if not self._is_open:
                await self._transport.open()
                self._is_open = True

    async def predict(self, transaction: Mapping[str, Any]) -> Prediction:
        """The decision on a payment, given as in docs/events.md; see transaction_payload for what may be missing."""
        payload = transaction_payload(transaction)
        await self._ready()
        return await with_retries(lambda: self._in_use().decide(payload), self._limits)

    async def predict_many(
        self, transactions: Iterable[Mapping[str, Any]], batch_size: int = BATCH_SIZE
    ) -> AsyncIterator[Outcome]:
        """The outcomes in the order of the payments: a prediction, or the exception why one has none.

        `batch_size` payments are one call, with the limits of one call. Raises where a whole batch gets no outcome.
        """
        rest = iter(transactions)
        while batch := list(islice(rest, batch_size)):
            for outcome in await self.predict_batch(batch):
                yield outcome

    async def predict_batch(self, transactions: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """As predict_many, in one call."""
        prepared = [_prepared(transaction) for transaction in transactions]
        payloads = [payload for payload in prepared if isinstance(payload, bytes)]
        if not payloads:
            return [outcome for outcome in prepared if isinstance(outcome, EventRefused)]
        await self._ready()
        many = many_with_retries(lambda waiting: self._in_use().decide_many(waiting), payloads, self._limits)
        decided = iter(await many)
        return [next(decided) if isinstance(payload, bytes) else payload for payload in prepared]

    async def send_event(self, event: Mapping[str, Any]) -> str:
        """Deliver a login, an account change or a label (its `type`); returns its id. See event_payload."""
        payload = event_payload(event)
        await self._ready()
        return await with_retries(lambda: self._in_use().accept(payload), self._limits)

    async def erase(self, user_id: str, timeout_seconds: float = ERASURE_SECONDS) -> Erased:
        """Erase a user: what decides forgets the user, and nothing of the user is left in the API's store, or in the log of
        the embedded scorer. The API wants the key of an admin. A repeat does it again.

        `timeout_seconds`: of the call, with its retries. Raises EventRefused for what is no id, and ValueError.
        """
        user = user_of(user_id)
        limits = CallLimits(timeout_seconds, timeout_seconds, self._limits.retries)
        await self._ready()
        return await with_retries(lambda: self._in_use().erase(user), limits, ERASED_OR_NOT)

    async def close(self) -> None:
        """Let go of connections and files. Calls that still run raise Closed at their next attempt."""
        async with self._opening:
            if not self._is_closed:
                self._is_closed = True
                await self._transport.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ready(self) -> None:
        if not self._is_open:
            await self.open()

    def _in_use(self) -> Transport:
        if self._is_closed:
            raise Closed("the detector is closed; make a new one")
        return self._transport


def _transport_of(
    address: str | None, embedded: str | Path | EmbeddedSettings | None, api_key: str | None
) -> Transport:
    """Either way's libraries are imported only if it is used."""
    if address is not None and embedded is None:
        from client.transport import HttpTransport

        return HttpTransport(address, api_key)
    if embedded is not None and address is None:
        from client.embedded import EmbeddedTransport

        return EmbeddedTransport(embedded if isinstance(embedded, EmbeddedSettings) else EmbeddedSettings(embedded))
    raise ValueError("give either the address of the API or embedded=path")


def _prepared(transaction: Mapping[str, Any]) -> bytes | EventRefused:
    try:
        return transaction_payload(transaction)
    except EventRefused as refused:
        return refused
