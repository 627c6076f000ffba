"""The order of the events file is the order of arrival.

``event times:  10:00 a   10:02 b (late)   10:05 c   10:06 d``
``the file:     a  c  d  …  b, when it arrives at 10:40  …  the label of a, days later``
"""

from __future__ import annotations

from collections import Counter

from tests.simulator.decoded import HOUR_MS, one_month
from udfs.events import Label, Transaction


def test_about_one_percent_arrive_late_by_seconds_to_hours_and_all_others_in_order() -> None:
    newest_ms = 0
    late_by_ms = []
    seen = set()
    for event in one_month().events:
        if isinstance(event, Label) or (isinstance(event, Transaction) and event.transaction_id in seen):
            continue
        if isinstance(event, Transaction):
            seen.add(event.transaction_id)
        if event.timestamp < newest_ms:
            assert isinstance(event, Transaction)
            late_by_ms.append(newest_ms - event.timestamp)
        newest_ms = max(newest_ms, event.timestamp)
    assert 0.004 < len(late_by_ms) / len(seen) < 0.015  # a few late ones overtake nobody
    assert max(late_by_ms) <= 8 * HOUR_MS
    assert sum(delay_ms > HOUR_MS for delay_ms in late_by_ms) > 1


def test_a_label_stands_where_it_became_known() -> None:
    events = one_month().events
    newest_ms = 0
    for event in events:
        arrival_at_least_ms = event.known_at if isinstance(event, Label) else event.timestamp
        if isinstance(event, Label):
            assert event.known_at >= newest_ms
        newest_ms = max(newest_ms, arrival_at_least_ms)


def test_a_label_comes_after_its_transaction() -> None:
    arrived = set()
    labels = 0
    for event in one_month().events:
        if isinstance(event, Transaction):
            arrived.add(event.transaction_id)
        elif isinstance(event, Label):
            labels += 1
            assert event.transaction_id in arrived
    assert labels > 100


def test_a_few_transactions_are_sent_again_byte_by_byte() -> None:
    simulation = one_month()
    sent = Counter(
        line for line, event in zip(simulation.lines, simulation.events, strict=True) if type(event) is Transaction
    )
    again = [count for count in sent.values() if count > 1]
    assert set(again) == {2}
    assert len(again) == simulation.simulation.manifest["counts"]["duplicates"]
    assert 0.0004 < len(again) / len(sent) < 0.002
    assert len(sent) == len(simulation.transactions)
