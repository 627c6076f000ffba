from __future__ import annotations

import json
from itertools import islice

import pytest

from simulator.live_events import Retimer, repeated, user_of

DAY = 86_400_000
PAYMENT = b'{"transaction_id":"T1","user_id":"U1","timestamp":1000,"amount":5}'
LOGIN = b'{"type":"login","event_id":"L1","user_id":7,"timestamp":1000}'
LABEL = b'{"type":"label","event_id":"B1","transaction_id":"T1","user_id":"U1","timestamp":1000,"known_at":9000}'


def test_numeric_user_id_is_returned_as_text() -> None:
    assert (user_of(PAYMENT), user_of(LOGIN)) == ("U1", "7")
    with pytest.raises(ValueError, match="not an event"):
        user_of(b"[]")


def test_later_rounds_have_new_ids_and_later_days() -> None:
    found = [json.loads(line) for line in islice(repeated(lambda: [PAYMENT, LOGIN]), 6)]
    assert [event.get("transaction_id", event.get("event_id")) for event in found] == [
        "T1", "L1", "T1-2", "L1-2", "T1-3", "L1-3",
    ]  # fmt: skip
    assert found[4] == {**json.loads(PAYMENT), "transaction_id": "T1-3", "timestamp": 1_000 + 2 * DAY}
    assert list(repeated(lambda: [])) == []


def test_rounds_keep_the_hour_of_day_and_label_delays() -> None:
    late = PAYMENT.replace(b"1000", b"%d" % (2 * DAY + 999)).replace(b"T1", b"T2")
    found = [json.loads(line) for line in islice(repeated(lambda: [late, PAYMENT, LABEL]), 9)]
    assert [event["timestamp"] for event in found] == [
        round_ + moment for round_ in (0, 2 * DAY, 4 * DAY) for moment in (2 * DAY + 999, 1_000, 1_000)
    ]
    assert [event["known_at"] for event in found[2::3]] == [9_000, 9_000 + 2 * DAY, 9_000 + 4 * DAY]
    assert found[5]["transaction_id"] == found[4]["transaction_id"] == "T1-2"


def test_retimed_label_has_the_new_time_of_its_transaction() -> None:
    retimer = Retimer()
    assert json.loads(retimer.at(PAYMENT, 50_000)) == {**json.loads(PAYMENT), "timestamp": 50_000}
    assert json.loads(retimer.at(LABEL, 60_000)) == {**json.loads(LABEL), "timestamp": 50_000, "known_at": 60_000}
    assert retimer.at(b"not JSON", 1) == b"not JSON"
