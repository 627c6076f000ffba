"""Invalid lines become dead letters with their bytes and a reason; the job continues."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from jobs.runtime.failures import JobFailed
from jobs.score_transactions import run
from tests.conftest import Configure
from tests.jobs.event_stream import START_MS
from tests.jobs.outcomes import written_lines

DAY_MS = 86_400_000


def transaction(**fields: object) -> bytes:
    event = {"transaction_id": "P1", "user_id": "U1", "timestamp": START_MS, "amount": 10}
    return json.dumps({**event, **fields}).encode()


def with_literal(field: bytes, literal: bytes) -> bytes:
    return b'{"transaction_id":"P1","user_id":"U1","timestamp":1767225600000,"amount":1,"%s":%s}' % (field, literal)


POISON = {
    "empty": (b"", "empty record"),
    "blanks": (b"   ", "not JSON"),
    "null": (b"null", "not an event"),
    "number": (b"12", "not an event"),
    "array": (b"[1,2]", "not an event"),
    "csv": (b"T1,U1,1767225600000,10", "not JSON"),
    "single quotes": (b"{'user_id':'U1'}", "not JSON"),
    "truncated": (transaction()[:-1], "not JSON"),
    "two objects": (transaction() + transaction(), "not JSON"),
    "invalid UTF-8": (transaction(city="Oslo").replace(b"Oslo", b"Os\xfflo"), "not UTF-8"),
    "invalid UTF-8 alone": (b"\xff\xfe\xfa", "not JSON"),
    "every byte": (bytes(byte for byte in range(256) if byte not in b"\r\n"), "not JSON"),
    "UTF-16": (transaction().decode().encode("utf-16"), "not JSON"),
    "deep arrays": (b"[" * 200_000 + b"]" * 200_000, "not an event"),
    "deep objects": (b'{"a":' * 200_000, "not JSON: nested too deeply"),
    "deep inside": (with_literal(b"note", b"[" * 200_000 + b"]" * 200_000), "not JSON: nested too deeply"),
    "no user": (b'{"transaction_id":"P1","timestamp":1767225600000,"amount":1}', "user_id"),
    "object as id": (transaction(user_id={"a": 1}), "user_id"),
    "float as id": (transaction(user_id=1.5), "user_id"),
    "truth as id": (transaction(user_id=True), "user_id"),
    "empty id": (transaction(user_id=""), "user_id"),
    "blank in id": (transaction(user_id="bad record 1"), "user_id"),
    "NUL in id": (transaction(user_id="a\0b"), "user_id"),
    "emoji id": (transaction(user_id="😀"), "user_id"),
    "lone surrogate id": (transaction(user_id="\ud800"), "not"),
    "id of 65": (transaction(user_id="x" * 65), "user_id"),
    "id of 600 KB": (transaction(user_id="x" * 600_000), "user_id"),
    "integer id of 70": (b'{"transaction_id":"P1","user_id":' + b"1" * 70 + b',"timestamp":1,"amount":1}', "user_id"),
    "user of nobody": (transaction(user_id="N/A"), "user_id: 'N/A' stands for a missing value"),
    "amount NaN": (with_literal(b"amount", b"NaN"), "amount"),
    "time in seconds": (transaction(timestamp=START_MS // 1000), "looks like epoch seconds"),
    "amount 1e400": (with_literal(b"amount", b"1e400"), "amount"),
    "amount text": (transaction(amount="ten"), "amount"),
    "amount negative": (transaction(amount=-1), "amount"),
    "timestamp negative": (transaction(timestamp=-1), "timestamp"),
    "timestamp in the future": (transaction(timestamp=START_MS + 10 * DAY_MS), "in the future"),
    "timestamp beyond all years": (transaction(timestamp=10**18), "timestamp"),
    "unknown type": (transaction(type="refnud"), "unknown event type 'refnud'"),
}  # fmt: skip

HALF_READABLE = {
    "MARK": b"\xef\xbb\xbf" + transaction(transaction_id="MARK"),
    "NOT-A-NUMBER": transaction(transaction_id="NOT-A-NUMBER", latitude=float("nan"), city="Oslo"),
    "INFINITE": transaction(transaction_id="INFINITE", longitude=float("-inf")),
    "BLANKS": transaction(transaction_id="BLANKS", kind=None, device_id="", merchant_id="N/A", card_id="  "),
    "NAME": transaction(transaction_id="NAME", merchant_id="Joe's Diner", latitude="59,9"),
    "LONG": transaction(transaction_id="LONG", city="y" * 900_000),
}
"""Payments of which optional fields cannot be read."""


@pytest.mark.parametrize("parallelism", [1, 2])
def test_bad_records_become_dead_letters_and_good_ones_are_scored(
    configure: Configure, tmp_path: Path, parallelism: int
) -> None:
    good = [transaction(transaction_id=f"G{number}", user_id=f"U{number}") for number in range(len(POISON))]
    last = transaction(transaction_id="LAST", user_id=7, note="z" * 900_000)  # large, an integer id, no end of line
    windows_line = transaction(transaction_id="WINDOWS", user_id="W") + b"\r"
    lines = [line for pair in zip(good, (raw for raw, _ in POISON.values()), strict=True) for line in pair]
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"\n".join([*HALF_READABLE.values(), *lines, windows_line, last]))

    result = run(
        configure(
            source,
            scoring={"latest_timestamp": START_MS + DAY_MS},
            dead_letters={"max_ratio": 1},
            flink={"parallelism": parallelism},
        )
    )

    letters = {
        base64.b64decode(letter["payload_base64"]): letter
        for letter in map(json.loads, written_lines(tmp_path / "out", "dead-letters"))
    }
    assert set(letters) == {raw for raw, _ in POISON.values()}
    for name, (raw, reason) in POISON.items():
        assert reason in letters[raw]["reason"], name
        assert letters[raw]["payload_sha256"] == hashlib.sha256(raw).hexdigest()
        assert letters[raw]["origin"]["source"] == str(source)
    decided = {json.loads(line)["transaction_id"] for line in written_lines(tmp_path / "out", "decisions")}
    assert decided == {*(f"G{number}" for number in range(len(POISON))), "WINDOWS", "LAST", *HALF_READABLE}
    assert result.counts.dead_letters == len(POISON)


def test_a_file_of_garbage_fails_the_job_without_restarts(configure: Configure, tmp_path: Path) -> None:
    source = tmp_path / "events.csv"
    source.write_text("id,user,amount\n" * 2_000)
    config = configure(source, dead_letters={"minimum": 50}, flink={"restart_attempts": 2})

    with pytest.raises(JobFailed) as failure:
        run(config)

    message = str(failure.value)
    assert "50 of the last 50 records were dead letters" in message
    assert "the last one because of: not JSON" in message
    assert "Check that the source holds events of the contract (dead_letters.max_ratio is 0.5)" in message
    assert "\n" not in message
    assert str(failure.value.log_file) in message
