"""The events file is in arrival order.

``event times:  10:00 a   10:02 b (late)   10:05 c   10:06 d``
``file order:   a  c  d  …  b (arrives at 10:40)  …  the label of a, days later``
"""

from __future__ import annotations

from collections import Counter

from tests.simulator.decoded import HOUR_MS, one_month
from udfs.records.events import Label, Transaction


def test_about_one_percent_arrive_late_and_the_others_in_order() -> None:
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
    assert 0.004 < len(late_by_ms) / len(seen) < 0.015  # a few late ones do not change the order
    assert max(late_by_ms) <= 8 * HOUR_MS
    assert sum(delay_ms > HOUR_MS for delay_ms in late_by_ms) > 1


def test_label_is_placed_at_its_known_at() -> None:
    events = one_month().events
    newest_ms = 0
    for event in events:
        arrival_at_least_ms = event.known_at if isinstance(event, Label) else event.timestamp
        if isinstance(event, Label):
            assert event.known_at >= newest_ms
        newest_ms = max(newest_ms, arrival_at_least_ms)


def test_label_follows_its_transaction() -> None:
    arrived = set()
    labels = 0
    for event in one_month().events:
        if isinstance(event, Transaction):
            arrived.add(event.transaction_id)
        elif isinstance(event, Label):
            labels += 1
            assert event.transaction_id in arrived
    assert labels > 100


def test_duplicates_repeat_the_original_bytes() -> None:
    simulation = one_month()
    sent = Counter(
        line for line, event in zip(simulation.lines, simulation.events, strict=True) if type(event) is Transaction
    )
    again = [count for count in sent.values() if count > 1]
    assert set(again) == {2}
    assert len(again) == simulation.simulation.manifest["counts"]["duplicates"]
    assert 0.0004 < len(again) / len(sent) < 0.002
    assert len(sent) == len(simulation.transactions)
