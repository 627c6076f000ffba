"""Writes records for the core, and reads its answer (udfs/core/src/frame.rs has the formats)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, Literal, NamedTuple

from udfs.records.outputs import Destination, Origin

REPLIES: Final = "replies"
FramedDestination = Destination | Literal["replies"]
DESTINATIONS: tuple[FramedDestination, ...] = ("decisions", "alerts", "flags", REPLIES)
_LENGTH = Struct(">i")
_TEXT_LENGTH = Struct(">H")
_NUMBERS = Struct(">qiqB")
_NO_ARRIVAL = -(1 << 63)


class Answered(NamedTuple):
    """Of one record: the entries for its user's log, and its outputs."""

    entries: list[bytes]
    outputs: list[tuple[FramedDestination, bytes]]


def write_record(
    key: str, payload: bytes | None, arrived_at_ms: int | None, origin: Origin, wants_reply: bool = False
) -> bytes:
    """A frame of one record."""
    texts = b"".join(_TEXT_LENGTH.pack(len(text)) + text for text in (key.encode(), origin.source.encode()))
    body = _LENGTH.pack(-1 if payload is None else len(payload)) + (payload or b"")
    partition = -1 if origin.partition is None else int(origin.partition)
    arrival_ms = _NO_ARRIVAL if arrived_at_ms is None else arrived_at_ms
    return texts + body + _NUMBERS.pack(arrival_ms, partition, origin.offset or 0, wants_reply)


def read_answer(answer: bytes) -> Iterator[Answered]:
    """What the core answered of each record, in order."""
    at = 0

    def part() -> bytes:
        nonlocal at
        (length,) = _LENGTH.unpack_from(answer, at)
        start, at = at + 4, at + 4 + length
        return answer[start:at]

    while at < len(answer):
        entries, outputs = [], []
        count, at = answer[at], at + 1
        for _ in range(count):
            entries.append(part())
        count, at = answer[at], at + 1
        for _ in range(count):
            destination, at = DESTINATIONS[answer[at]], at + 1
            outputs.append((destination, part()))
        yield Answered(entries, outputs)
