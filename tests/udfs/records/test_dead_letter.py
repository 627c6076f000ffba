"""Dead letters as JSON and with headers; the record is complete in both."""

from __future__ import annotations

import base64
import hashlib
import json

from udfs.records.dead_letter import MAX_REASON_CHARACTERS, DeadLetterFormat, dead_letter
from udfs.records.outputs import DeadLetter, Origin

RAW = b"\xff\x00{bad"
ORIGIN = Origin("events", "3", 17)
SHA = hashlib.sha256(RAW).hexdigest()


def test_the_json_form_has_the_payload_as_base64() -> None:
    letter = dead_letter(RAW, "why", ORIGIN, DeadLetterFormat())
    assert (letter.destination, letter.key, letter.headers, letter.action) == ("dead-letters", "events", None, None)
    assert json.loads(letter.value) == {
        "type": "dead_letter", "reason": "why", "payload_base64": base64.b64encode(RAW).decode(), "payload_sha256": SHA,
        "origin": {"source": "events", "partition": "3", "offset": 17},
    }  # fmt: skip
    assert letter.record == DeadLetter(reason="why", payload=RAW, payload_sha256=SHA, origin=ORIGIN)


def test_the_header_form_has_the_raw_payload() -> None:
    letter = dead_letter(RAW, "why \ud800", ORIGIN, DeadLetterFormat(as_json=False))
    assert (letter.value, letter.key) == (RAW, "events")
    assert letter.headers == {
        "reason": b"why \\ud800", "payload_sha256": SHA.encode(), "topic": b"events", "partition": b"3", "offset": b"17",
    }  # fmt: skip
    assert isinstance(letter.record, DeadLetter)
    assert letter.record.reason == "why \ud800"


def test_a_long_payload_is_cut_in_the_value_but_not_in_the_record() -> None:
    reason = "r" * (MAX_REASON_CHARACTERS + 1)
    letter = dead_letter(RAW, reason, Origin("file"), DeadLetterFormat(as_json=False, largest_bytes=2))
    assert letter.value == RAW[:2]
    assert letter.headers == {
        "reason": reason[:-1].encode(), "payload_sha256": SHA.encode(), "topic": b"file", "cut_from_bytes": b"6",
    }  # fmt: skip
    assert isinstance(letter.record, DeadLetter)
    assert (letter.record.reason, letter.record.payload) == (reason, RAW)
    assert len(RAW) == 6


def test_a_tombstone_is_an_empty_payload() -> None:
    letter = dead_letter(None, "empty record", ORIGIN, DeadLetterFormat(as_json=False))
    assert (letter.value, letter.record.action) == (b"", None)
