"""The frames between the batched operator and its function, written down apart from the core (udfs/core/src/frame.rs)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack, unpack_from
from typing import NamedTuple

NO_ARRIVAL = -(1 << 63)
DESTINATIONS = ("decisions", "alerts", "flags", "replies")


class Framed(NamedTuple):
    key: str
    source: str
    payload: bytes | None
    arrived_at_ms: int | None
    partition: int
    offset: int
    wants_reply: bool = False


def write_records(records: Iterable[Framed]) -> bytes:
    frame = bytearray()
    for key, source, payload, arrived_at_ms, partition, offset, wants_reply in records:
        for text in (key.encode(), source.encode()):
            frame += pack(">H", len(text)) + text
        frame += pack(">i", -1 if payload is None else len(payload)) + (payload or b"")
        arrival_ms = NO_ARRIVAL if arrived_at_ms is None else arrived_at_ms
        frame += pack(">qiqB", arrival_ms, partition, offset, wants_reply)
    return bytes(frame)


def read_records(frame: bytes) -> list[Framed]:
    records = []
    at = 0
    while at < len(frame):
        texts = []
        for _ in range(2):
            (length,) = unpack_from(">H", frame, at)
            texts.append(frame[at + 2 : at + 2 + length].decode())
            at += 2 + length
        (length,) = unpack_from(">i", frame, at)
        payload = None if length < 0 else frame[at + 4 : at + 4 + length]
        at += 4 + max(length, 0)
        arrived_at_ms, partition, offset, reply = unpack_from(">qiqB", frame, at)
        at += 21
        records.append(
            Framed(
                *texts, payload, None if arrived_at_ms == NO_ARRIVAL else arrived_at_ms, partition, offset, bool(reply)
            )
        )
    return records


def write_answer(records: Iterable[tuple[Sequence[bytes], Sequence[tuple[str, bytes]]]]) -> bytes:
    """Of each record its entries, and its outputs as (destination, value)."""
    answer = bytearray()
    for entries, outputs in records:
        answer.append(len(entries))
        for entry in entries:
            answer += pack(">i", len(entry)) + entry
        answer.append(len(outputs))
        for destination, value in outputs:
            answer += pack(">Bi", DESTINATIONS.index(destination), len(value)) + value
    return bytes(answer)
