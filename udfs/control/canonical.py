"""The canonical form of a JSON value: the same bytes for the same value, to be hashed and signed.

UTF-8 without blanks; the keys of each object in the order of their bytes; texts with no more escapes than JSON demands;
whole numbers in decimals, all others as the shortest text that reads as the same float64.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


def canonical(value: Any) -> bytes:
    """The canonical form of plain data or a struct. What a `msgspec.Raw` holds is not put into this form."""
    return _encode(value)


def canonical_json(payload: bytes) -> bytes:
    """The canonical form of JSON; of a key that is there twice the last value counts. Raises ValueError, RecursionError."""
    return _encode(_decode(payload))


def content_hash(canonical_form: bytes) -> str:
    """SHA-256 of a canonical form, as 64 hexadecimal digits."""
    return sha256(canonical_form).hexdigest()
