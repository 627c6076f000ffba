"""Claims, outcomes, undo and the labels they send, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from console.cases import outbox
from console.cases.case_store import CaseStore
from console.cases.queue import ORDERS, QueueFilters, QueueOrder
from console.cases.rows import LEASE_MS, CaseHeld, NoSuchCase
from console.store.store import DecisionStore
from tests.console.store.conftest import new_url  # noqa: F401
from tests.console.web.seeding import ALERTS, DAY_MS, fill
from udfs.records.codec import decode_event
from udfs.records.events import Label

NOW_MS = 1_767_700_000_000


class Clock:
    now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DecisionStore]:
    opened = DecisionStore.open(request.getfixturevalue("new_url")(request.param))
    fill(opened, NOW_MS)
    yield opened
    opened.close()


@pytest.fixture
def cases(store: DecisionStore, clock: Clock) -> CaseStore:
    return CaseStore(store.database, clock, label_delay_ms=5_000)


def labels_due(store: DecisionStore, now_ms: int) -> list[Label]:
    with store.database.read() as connection:
        found = [decode_event(one.payload) for one in outbox.due(connection, now_ms)]
    assert all(isinstance(one, Label) for one in found)
    return found  # type: ignore[return-value]


def test_every_alert_opens_one_case_and_repeats_change_nothing(store: DecisionStore, cases: CaseStore) -> None:
    assert cases.count(QueueFilters()) == ALERTS
    cases.decide([cases.page(QueueFilters(), QueueOrder())[0].case_id], "closed", "anna")
    fill(store, NOW_MS)
    assert (cases.count(QueueFilters()), cases.count(QueueFilters(state="all"))) == (ALERTS - 1, ALERTS)


def test_the_order_is_probability_times_amount_times_age(cases: CaseStore) -> None:
    rows = cases.page(QueueFilters(), QueueOrder())

    def priority(one: object) -> float:
        hours = (NOW_MS - one.event_time_ms + 60_000) / 3_600_000  # type: ignore[attr-defined]
        return float(one.risk_score / 1000 * one.amount * hours)  # type: ignore[attr-defined]

    assert [one.case_id for one in rows] == [one.case_id for one in sorted(rows, key=priority, reverse=True)]


@pytest.mark.parametrize("descending", [True, False])
def test_neighbours_walk_the_whole_queue_in_every_order(cases: CaseStore, descending: bool) -> None:
    for by in ORDERS:
        order = QueueOrder(by=by, descending=descending)
        rows = cases.page(QueueFilters(), order)
        ids = [one.decision_id for one in rows]
        for place, row in enumerate(rows):
            before, after = cases.neighbours(row.case_id, QueueFilters(), order)
            assert before == (ids[place - 1] if place else None), by
            assert after == (ids[place + 1] if place + 1 < len(ids) else None), by


def test_filters_keep_what_fits(cases: CaseStore) -> None:
    rows = cases.page(QueueFilters(), QueueOrder())
    kept = [
        (QueueFilters(action="hard_block"), [one for one in rows if one.action == "hard_block"]),
        (QueueFilters(user_id="U3"), [one for one in rows if one.user_id == "U3"]),
        (QueueFilters(min_amount=900), [one for one in rows if one.amount >= 900]),
        (QueueFilters(min_score=800), [one for one in rows if one.risk_score >= 800]),
        (QueueFilters(text="12.5 TIMES"), [one for one in rows if "12.5 times" in one.title]),
        (QueueFilters(text="100%_"), []),
        (QueueFilters(text="u3"), [one for one in rows if one.user_id == "U3"]),
        (QueueFilters(text="m4"), [one for one in rows if one.merchant_id == "M4"]),
        (QueueFilters(text="t12"), [one for one in rows if (one.transaction_id or "").startswith("T12")]),
        (QueueFilters(text="U3M4"), []),  # no text goes over two fields
        (QueueFilters(rule="burst"), rows),
        (QueueFilters(rule="none"), []),
        (QueueFilters(currency="USD"), []),
        (QueueFilters(assignee="-"), rows),
        (QueueFilters(assignee="anna"), []),
    ]
    for filters, expected in kept:
        assert cases.page(filters, QueueOrder()) == expected, filters
        assert cases.count(filters) == len(expected)


def test_cases_of_many_alerts_are_those_of_each(cases: CaseStore) -> None:
    rows = cases.page(QueueFilters(), QueueOrder(by="amount"))
    alerts = [(one.event_time_ms, one.decision_id) for one in rows]
    assert cases.cases_of_alerts([*alerts, (1, "none")]) == rows == [cases.case(one) for _, one in alerts]
    assert cases.cases_of_alerts([]) == []


def test_a_claim_holds_until_its_lease_ends(cases: CaseStore, clock: Clock) -> None:
    number = cases.page(QueueFilters(), QueueOrder())[0].case_id
    assert cases.claim(number, "anna").claimed_by == "anna"
    for change in (
        lambda: cases.claim(number, "ben"),
        lambda: cases.decide([number], "fraud", "ben").refused[number] == "" or cases.claim(number, "ben"),
    ):
        with pytest.raises(CaseHeld, match="anna works on it"):
            change()
    clock.now_ms += LEASE_MS
    assert cases.claim(number, "ben").claimed_by == "ben"
    assert cases.decide([number], "fraud", "anna").refused == {number: "ben works on it"}
    cases.release(number, "ben")
    assert cases.decide([number], "fraud", "anna").done == [number]
    with pytest.raises(CaseHeld, match="already closed as fraud"):
        cases.claim(number, "ben")
    with pytest.raises(NoSuchCase):
        cases.claim(10**9, "ben")


def test_of_many_who_take_the_next_each_gets_another(cases: CaseStore) -> None:
    with ThreadPoolExecutor(6) as people:
        taken = list(people.map(lambda n: cases.claim_next(QueueFilters(), QueueOrder(), f"p{n}"), range(ALERTS + 3)))
    numbers = [one.case_id for one in taken if one is not None]
    assert len(numbers) == len(set(numbers)) == ALERTS
    assert all(one.assignee == one.claimed_by for one in taken if one is not None)


def test_an_outcome_sends_one_label_unless_it_is_undone_in_time(
    store: DecisionStore, cases: CaseStore, clock: Clock
) -> None:
    first, second, third, fourth = cases.page(QueueFilters(), QueueOrder())[:4]
    cases.decide([first.case_id], "fraud", "anna")
    cases.decide([second.case_id], "not_fraud", "anna")
    cases.decide([third.case_id], "insufficient_data", "anna")
    cases.decide([fourth.case_id], "closed", "anna")
    assert labels_due(store, NOW_MS + 4_999) == []
    sent = {one.transaction_id: one for one in labels_due(store, NOW_MS + 5_000)}
    assert {name: one.is_fraud for name, one in sent.items()} == {
        first.transaction_id: True,
        second.transaction_id: False,
    }
    label = sent[first.transaction_id or ""]
    assert (label.user_id, label.timestamp, label.known_at) == (first.user_id, first.event_time_ms, NOW_MS)
    assert (label.merchant_id, label.resolution_code) == (first.merchant_id, "FRAUD")
    assert cases.undo([first.case_id], "anna").done == [first.case_id]
    assert [one.transaction_id for one in labels_due(store, NOW_MS + DAY_MS)] == [second.transaction_id]
    assert cases.undo([first.case_id], "anna").refused == {first.case_id: "it is open"}


def test_a_fraud_that_was_sent_is_taken_back_by_another_label(
    store: DecisionStore, cases: CaseStore, clock: Clock
) -> None:
    case = cases.page(QueueFilters(), QueueOrder())[0]
    cases.decide([case.case_id], "fraud", "anna")
    with store.database.write() as connection:
        (waiting,) = outbox.due(connection, NOW_MS + 5_000)
        assert outbox.begin_sending(connection, waiting.event_id)
        outbox.mark_sent(connection, waiting.event_id, NOW_MS)
    clock.now_ms += 60_000
    cases.undo([case.case_id], "ben")
    (correction,) = labels_due(store, clock.now_ms)
    assert (correction.is_fraud, correction.known_at, correction.resolution_code) == (
        False,
        clock.now_ms,
        "OUTCOME_UNDONE",
    )
    assert correction.event_id != waiting.event_id
    assert [one.what for one in cases.journal(case.case_id)] == ["outcome", "reopened"]


def test_an_erased_user_leaves_nothing_of_their_cases(store: DecisionStore, cases: CaseStore) -> None:
    mine = [one.case_id for one in cases.cases_of_user("U0")]
    cases.decide(mine, "fraud", "anna")
    store.erase_user("U0", NOW_MS)
    assert cases.cases_of_user("U0") == []
    assert labels_due(store, NOW_MS + DAY_MS) == []
    assert cases.journal(mine[0]) == []
