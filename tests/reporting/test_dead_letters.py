"""Classes of dead letters: reasons that differ only in quoted values are one class."""

from __future__ import annotations

from pathlib import Path

import pytest

from reporting.dead_letters import MAX_CLASSES, OTHER_REASONS, payload_preview, read_dead_letters, reason_class
from tests.reporting.made_runs import dead_letter, write_lines
from udfs.records.codec import BadRecord, decode_event


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("timestamp: 4102 lies in the future, 233 ms past", "timestamp: … lies in the future, … ms past"),
        ("amount: 1e+300 is above the limit", "amount: … is above the limit"),
        ("known_at: -5 is wrong", "known_at: … is wrong"),
        ("user_id: 'a b' is not the key \"it's\"", "user_id: … is not the key …"),
        ("not UTF-8: this user's 3rd byte", "not UTF-8: this user's 3rd byte"),
        ("two\nlines  here", "two lines here"),
        ("cut off: 'never clos", "cut off: …"),
        ("x" * 500, "x" * 159 + "…"),
    ],
)
def test_quoted_values_and_numbers_are_replaced(reason: str, expected: str) -> None:
    assert reason_class(reason) == expected


def test_each_fault_of_the_codec_gives_one_class(tmp_path: Path) -> None:
    records = [
        *(b'{"transaction_id":"T%d","user_id":"U","timestamp":1,"amount":"x"}' % number for number in range(3)),
        *(b'{"transaction_id":"has %d","user_id":"U","timestamp":1,"amount":1}' % number for number in range(4)),
        *(b'{"transaction_id":"T","user_id":"U","timestamp":-%d,"amount":1}' % number for number in range(1, 6)),
        *(b'{"type":"kind%d"}' % number for number in range(2)),
    ]
    letters = []
    for record in records:
        with pytest.raises(BadRecord) as raised:
            decode_event(record)
        letters.append(dead_letter(str(raised.value), record))
    write_lines(tmp_path / "dead_letters.jsonl", letters)
    found = read_dead_letters(tmp_path / "dead_letters.jsonl")
    assert found.count == 14
    assert [row.count for row in found.classes] == [5, 4, 3, 2]
    assert found.classes[0].example_reason == letters[7].reason
    assert found.classes[2].reason == letters[0].reason  # identical reasons are kept in full
    assert found.classes[2].example_payload == records[0].decode()


def test_classes_beyond_the_limit_are_merged(tmp_path: Path) -> None:
    letters = [dead_letter("reason " + chr(0x4E00 + number)) for number in range(MAX_CLASSES + 7)]
    write_lines(tmp_path / "dead_letters.jsonl", letters)
    found = read_dead_letters(tmp_path / "dead_letters.jsonl")
    assert (found.count, len(found.classes)) == (MAX_CLASSES + 7, MAX_CLASSES + 1)
    assert (found.classes[0].reason, found.classes[0].count) == (OTHER_REASONS, 7)


def test_the_preview_is_the_start_of_the_record() -> None:
    assert payload_preview("aGVsbG8=") == "hello"
    assert payload_preview("//7/") == "�" * 3
    assert payload_preview("YWJj" * 200) == "abc" * 39 + "ab…"
    assert payload_preview("not base64!!") in ("", payload_preview("notbase64"))
