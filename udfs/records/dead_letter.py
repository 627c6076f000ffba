"""Makes dead letters: a DeadLetter record, encoded as raw bytes with headers or as one JSON object."""

from __future__ import annotations

import hashlib

import msgspec

from udfs.records.outputs import DeadLetter, Origin, Output

MAX_REASON_CHARACTERS = 2_000
"""Longest reason in a header, in characters."""
_encode = msgspec.json.Encoder().encode


class DeadLetterFormat(msgspec.Struct, frozen=True):
    """Encoding of dead letters. `as_json`: for sinks without headers. `largest_bytes`: longer raw payloads are truncated
    (None: never).
    """

    as_json: bool = True
    largest_bytes: int | None = None


def dead_letter(payload: bytes | None, reason: str, origin: Origin, form: DeadLetterFormat) -> Output:
    """The dead letter of a payload with its reason and origin; its record always has the whole payload."""
    raw = payload or b""
    letter = DeadLetter(reason=reason, payload=raw, payload_sha256=hashlib.sha256(raw).hexdigest(), origin=origin)
    if form.as_json:
        return Output("dead-letters", origin.source, _encode(letter), letter)
    headers = _headers_of(letter)
    if form.largest_bytes is not None and len(raw) > form.largest_bytes:
        headers["cut_from_bytes"] = str(len(raw)).encode()
        raw = raw[: form.largest_bytes]
    return Output("dead-letters", origin.source, raw, letter, headers)


def _headers_of(letter: DeadLetter) -> dict[str, bytes]:
    origin = letter.origin
    headers = {
        "reason": letter.reason[:MAX_REASON_CHARACTERS].encode(errors="backslashreplace"),
        "payload_sha256": letter.payload_sha256.encode(),
        "topic": origin.source.encode(),
    }
    if origin.partition is not None:
        headers["partition"] = origin.partition.encode()
    if origin.offset is not None:
        headers["offset"] = str(origin.offset).encode()
    return headers
