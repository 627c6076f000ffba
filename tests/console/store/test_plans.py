"""No page reads a whole table: the plan of each kind of filter names an index, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.store import filters
from benchmarks.store_plans import asked, indexes_of, plan
from benchmarks.store_rows import synthetic
from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.store.rows import Batch
from console.store.store import DecisionStore
from tests.console.store.conftest import KINDS
from tests.console.store.made_records import alert_of

EXPECTED = {
    "user": "decisions_by_user", "transaction": "decisions_by_transaction", "rule, frequent": "marks",
    "action hard_block": "marks", "score >= 900": "marks", "flag AML": "marks", "none": "decisions", "text, rare": "reason",
}  # fmt: skip
TO_PARTITIONS = {"decisions_by_user": "decisions_user_id", "decisions_by_transaction": "decisions_transaction_id"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_reads_indexes_only(open_store: Callable[[str], DecisionStore], kind: str) -> None:
    store = open_store(kind)
    records = list(synthetic(6_000, users=50))
    store.write(Batch(decisions=records, alerts=[alert_of(one) for one in records if one.action != "allow"]))
    kinds = filters(records[-1].user_id, records[-1].transaction_id)
    for name, one in kinds.items():
        with asked(store.database) as statements:
            store.decisions(one, limit=50)
        found = indexes_of(store.database, statements)
        assert found, name
        assert not [index for index in found if index.startswith("full")], (name, found)
        expected = EXPECTED.get(name)
        if expected is not None:
            expected = expected if kind == "sqlite" else TO_PARTITIONS.get(expected, expected)
            assert any(expected in index for index in found), (name, found)
        if kind == "postgresql":
            for sql, values in statements:
                lines = "\n".join(plan(store.database, sql, values))
                assert "Hash" not in lines, (name, lines)
    queue = CaseStore(store.database, lambda: records[-1].event_time_ms)
    with asked(store.database) as statements:
        for order in ("priority", "amount", "time", "changed"):
            rows = queue.page(QueueFilters(), QueueOrder(by=order))  # type: ignore[arg-type]
        queue.count(QueueFilters())
        queue.neighbours(rows[0].case_id, QueueFilters(), QueueOrder())
        queue.case(rows[0].decision_id)
        queue.cases_of_user(rows[0].user_id)
    found = indexes_of(store.database, statements)
    assert not [index for index in found if index.startswith("full")], found
    with asked(store.database) as statements:
        store.timeline(records[-1].user_id)
        store.alerts()
        store.decision(records[-1].decision_id)
        store.dead_letters()
    found = indexes_of(store.database, statements)
    assert not [index for index in found if index.startswith("full")], found
