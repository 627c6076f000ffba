"""Reads the core's answer to a frame of records (udfs/core/src/frame.rs has the format)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from udfs.records.outputs import DESTINATIONS, Destination

_LENGTH = Struct(">i")


class Answered(NamedTuple):
    """Of one record: the entries for its user's log, and its outputs."""

    entries: list[bytes]
    outputs: list[tuple[Destination, bytes]]


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
