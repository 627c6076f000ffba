"""Replays recorded events as live traffic: repeats them indefinitely and shifts their timestamps to the send time."""

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
    """The event's user id as text. Raises ValueError where it has none."""
    try:
        return str(_owner(event).user_id)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not an event: {error}") from None


def repeated(events: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    """Yields the events of `events()` repeatedly without end; ends at once where there are none.

    From the second round on, the round's number is appended to transaction and event ids, and timestamps are shifted by
    whole days past the previous round, so that the hour of the day is preserved.
    """
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
    """Replaces timestamps by the send time; a label keeps the new timestamp of its transaction."""

    def __init__(self) -> None:
        self._transactions: dict[Any, int] = {}

    def at(self, line: bytes, now_ms: int) -> bytes:
        """The event with the timestamp `now_ms`; lines that are not a JSON object are returned unchanged."""
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
