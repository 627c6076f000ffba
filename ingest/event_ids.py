"""Ids for events whose source has none: made of the content, so that the same row always makes the same id."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from udfs.codec import MAX_IDENTIFIER_LENGTH

DIGEST_BYTES = 12
_LABEL_PREFIX = "label:"
_encode = msgspec.json.Encoder(order="sorted").encode


def content_id(kind: str, fields: Mapping[str, object]) -> str:
    """An event id made of all that the event says: two equal rows are one event."""
    return f"{kind}:{_digest(_encode(fields))}"


def label_id(transaction_id: str) -> str:
    """The event id of the label that stands in a transaction's own row."""
    plain = _LABEL_PREFIX + transaction_id
    return plain if len(plain) <= MAX_IDENTIFIER_LENGTH else _LABEL_PREFIX + _digest(transaction_id.encode())


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
