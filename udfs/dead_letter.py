"""What becomes of bytes that cannot go where they should: raw with headers, or one JSON object without."""

from __future__ import annotations

import base64
import hashlib

import msgspec

from udfs.outputs import DeadLetter, Origin, Output

LONGEST_REASON = 2_000
_encode = msgspec.json.Encoder().encode


class LetterForm(msgspec.Struct, frozen=True):
    """`as_json` where the sink has no headers. Bytes beyond `largest_bytes` are cut off where it has (None: never)."""

    as_json: bool = True
    largest_bytes: int | None = None


def dead_letter(payload: bytes | None, reason: str, origin: Origin, form: LetterForm) -> Output:
    """The dead letter of a payload, with why and where it came from."""
    raw = payload or b""
    digest = hashlib.sha256(raw).hexdigest()
    if form.as_json:
        letter = DeadLetter(
            reason=reason,
            payload_base64=base64.b64encode(raw).decode(),
            payload_sha256=digest,
            origin=origin,
        )
        return Output("dead-letters", origin.source, _encode(letter))
    headers = {
        "reason": reason[:LONGEST_REASON].encode(errors="backslashreplace"),
        "payload_sha256": digest.encode(),
        "topic": origin.source.encode(),
    }
    if origin.partition is not None:
        headers["partition"] = origin.partition.encode()
    if origin.offset is not None:
        headers["offset"] = str(origin.offset).encode()
    if form.largest_bytes is not None and len(raw) > form.largest_bytes:
        headers["cut_from_bytes"] = str(len(raw)).encode()
        raw = raw[: form.largest_bytes]
    return Output("dead-letters", origin.source, raw, headers)
