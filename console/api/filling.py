"""Fills in what simpler services leave out of a payment: its time, and its id.

A repeat of a payment without a timestamp must be the same event as the first time, so it gets the time of the first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec

from console.answers.port import Unavailable
from console.store.rows import DecisionRow
from console.store.store import DecisionStore
from udfs.core import _native

MOST_REMEMBERED = 20_000
LOOKS_AGAIN, LOOK_PAUSE_SECONDS = 20, 0.1
_PREFIX = "made-"
_Fields = dict[str, msgspec.Raw]
_fields_of = msgspec.json.Decoder(_Fields).decode
_encode = msgspec.json.Encoder().encode
_BLANK = (b"null", b'""')


class Filled(msgspec.Struct, frozen=True):
    """A payment as it is decided, and the names of the fields that were filled in."""

    payload: bytes
    names: list[str]


class Filling:
    """Fills in fields. Remembers the newest times that it gave. Used by one event loop."""

    def __init__(
        self, store: DecisionStore, now_ms: Callable[[], int], store_lag: Callable[[], int | None] = lambda: None
    ) -> None:
        """`store_lag`: records that are answered and not in the store yet; None where that is not known."""
        self._store = store
        self._store_lag = store_lag
        self._now_ms = now_ms
        self._times: OrderedDict[tuple[str, str], int] = OrderedDict()

    def fill(self, payload: bytes) -> Filled:
        """The payment with timestamp and transaction_id. What is no JSON object stays as it is, to be refused with its
        reason."""
        fields = _readable(payload)
        if fields is None:
            return Filled(payload, [])
        names = []
        if _is_missing(fields, "transaction_id"):
            fields["transaction_id"] = msgspec.Raw(_encode(_PREFIX + uuid4().hex))
            names.append("transaction_id")
        if _is_missing(fields, "timestamp"):
            fields["timestamp"] = msgspec.Raw(_encode(self._time_of(_ids_of(fields))))
            names.append("timestamp")
        return Filled(_encode(fields) if names else payload, names)

    async def as_at_first(self, payload: bytes, refused: Filled) -> Filled | None:
        """A payment that was refused for its other content, with the time of its first decision; None if its time was not
        filled in. Raises Unavailable if the first decision cannot be found yet."""
        fields = _readable(payload)
        if fields is None or "timestamp" not in refused.names:
            return None
        ids = _ids_of(fields)
        if ids is None:
            return None
        lag_records, first = await asyncio.to_thread(self._look_for, _native.decision_id(*ids))
        for _ in range(LOOKS_AGAIN):  # the store gets a decision within a second
            if first is not None or lag_records == 0:
                break
            await asyncio.sleep(LOOK_PAUSE_SECONDS)
            lag_records, first = await asyncio.to_thread(self._look_for, _native.decision_id(*ids))
        if first is None and lag_records == 0:
            return None
        if first is None:
            raise Unavailable("the first decision of this payment is being stored; send the event again", 1)
        self._remember(ids, first.event_time_ms)
        return self.fill(payload)

    def _look_for(self, decision_id: str) -> tuple[int | None, DecisionRow | None]:
        lag_records = self._store_lag()  # before: what is stored meanwhile must not look as if it had never been
        return lag_records, self._store.decision(decision_id)

    def _time_of(self, ids: tuple[str, str] | None) -> int:
        now_ms = self._now_ms()
        if ids is None:
            return now_ms
        known = self._times.get(ids)
        if known is not None:
            return known
        self._remember(ids, now_ms)
        return now_ms

    def _remember(self, ids: tuple[str, str], time_ms: int) -> None:
        self._times[ids] = time_ms
        while len(self._times) > MOST_REMEMBERED:
            self._times.popitem(last=False)


def _readable(payload: bytes) -> _Fields | None:
    try:
        return _fields_of(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _is_missing(fields: _Fields, name: str) -> bool:
    return name not in fields or bytes(fields[name]) in _BLANK


def _ids_of(fields: _Fields) -> tuple[str, str] | None:
    """user_id and transaction_id as text; None if they are not ids."""
    ids = []
    for name in ("user_id", "transaction_id"):
        try:
            value: Any = msgspec.json.decode(fields.get(name, b"null"))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        ids.append(str(value).strip())
    return ids[0], ids[1]
