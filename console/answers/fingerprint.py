"""Whether two payloads say the same event: its canonical form as a hash."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from udfs.records.events import Event

_encode = msgspec.json.Encoder(order="deterministic").encode


def fingerprint(event: Event) -> bytes:
    """SHA-256 of a decoded event; spelling, order and absent defaults do not matter. 32 bytes."""
    return sha256(_encode(event)).digest()
