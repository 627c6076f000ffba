"""Ids of events whose source has none, derived from the content: equal rows have equal ids."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from udfs.records.codec import MAX_IDENTIFIER_LENGTH

DIGEST_BYTES = 12
_LABEL_PREFIX = "label:"
_encode = msgspec.json.Encoder(order="sorted").encode


def content_id(kind: str, fields: Mapping[str, object]) -> str:
    """An event id hashed from all fields: two equal rows are the same event."""
    return f"{kind}:{_digest(_encode(fields))}"


def label_id(transaction_id: str) -> str:
    """The event id of a label that is read from its transaction's row."""
    plain = _LABEL_PREFIX + transaction_id
    return plain if len(plain) <= MAX_IDENTIFIER_LENGTH else _LABEL_PREFIX + _digest(transaction_id.encode())


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
