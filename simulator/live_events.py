"""Recorded events as if they happened now: their times are those of their sending, and they can come again and again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec

from simulator.config import DAY_MS

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
IDS = ("transaction_id", "event_id")
TIMES = ("timestamp", "known_at")


class _Owner(msgspec.Struct):
    user_id: str | int


_owner = msgspec.json.Decoder(_Owner).decode


class _Moment(msgspec.Struct):
    timestamp: int


_moment = msgspec.json.Decoder(_Moment).decode


def user_of(event: bytes) -> str:
    """The id of the event's user. Raises ValueError if it has none."""
    try:
        return str(_owner(event).user_id)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not an event: {error}") from None


def repeated(events: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    """The events without end. From the second round on, ids of transactions and events get the round's number, and times
    go on where the round before ended: later by whole days, so that hours of the day stay what they are."""
    first_ms, last_ms = sys.maxsize, 0
    for line in events():
        with suppress(msgspec.MsgspecError):
            moment_ms = _moment(line).timestamp
            first_ms, last_ms = min(first_ms, moment_ms), max(last_ms, moment_ms)
        yield line
    days = max(0, last_ms - first_ms) // DAY_MS + 1
    for number in count(2):
        empty = True
        for line in events():
            empty = False
            event = _decode(line)
            for name in IDS:
                if name in event:
                    event[name] = f"{event[name]}-{number}"
            for name in TIMES:
                if isinstance(event.get(name), int):
                    event[name] += (number - 1) * days * DAY_MS
            yield _encode(event)
        if empty:
            return


class Retimer:
    """Gives events the time of their sending; a label goes with the new time of its transaction."""

    def __init__(self) -> None:
        self._transactions: dict[Any, int] = {}

    def at(self, line: bytes, now_ms: int) -> bytes:
        """The event as if it happened at `now_ms`; what is no JSON object stays as it is."""
        try:
            event = _decode(line)
        except msgspec.MsgspecError:
            return line
        if not isinstance(event, dict):
            return line
        if event.get("type") == "label":
            event["known_at"] = now_ms
            event["timestamp"] = self._transactions.get(event.get("transaction_id"), now_ms)
        else:
            event["timestamp"] = now_ms
            if "transaction_id" in event:
                self._transactions[event["transaction_id"]] = now_ms
        return _encode(event)
