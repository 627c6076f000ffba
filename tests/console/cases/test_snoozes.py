"""Snoozes of rules: which alerts leave the queue and when they come back, on both databases, against a plain search."""

from __future__ import annotations

import time
from random import Random

import pytest
from sqlalchemy import func, select

from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.cases.snoozes import SnoozeError
from console.store.move import move
from console.store.retention import RetentionPolicy, apply_retention
from console.store.rows import Batch, DecisionRecord
from console.store.store import DecisionStore
from console.store.tables import case_journal, snoozed_cases, snoozes
from console.store.tables import cases as case_table
from tests.console.cases.test_case_changes import NOW_MS, Clock, cases, clock, store  # noqa: F401
from tests.console.store.conftest import MakeUrl, new_url  # noqa: F401
from tests.console.store.made_records import alert_of, record
from udfs.records.outputs import Reason, RuleScore

DAY_MS = 86_400_000
RULES = ("burst", "night", "far", "new_device")
BY_TIME = QueueOrder(by="time")


def ids(cases: CaseStore, **filters: object) -> set[str]:  # noqa: F811
    return {one.decision_id for one in cases.page(QueueFilters(**filters), BY_TIME)}  # type: ignore[arg-type]


def words(cases: CaseStore, case_id: int) -> list[tuple[str, str, str]]:  # noqa: F811
    return [(one.who, one.what, one.body) for one in cases.journal(case_id)]


def hit(number: int, hits: list[str], first: str | None = None, **changes: object) -> DecisionRecord:
    """An alert of user `Snoozer` by these rules. `first`: the name of the first reason, by default the first rule."""
    source = "rule" if first is None else "trees"
    return record(
        number, user_id="Snoozer", event_time_ms=NOW_MS - number * 60_000,
        **{"action": "refer_to_analyst", "risk_score": 700, **changes}, rules=RuleScore(1, 200, 40, hits, "calibrated"),
        reasons=[Reason(source, first or hits[0], "why", 100.0, 1.0)],
    )  # fmt: skip


def test_alerts_of_a_snoozed_rule_are_out_until_it_ends(cases: CaseStore, clock: Clock) -> None:  # noqa: F811
    before = cases.page(QueueFilters(), BY_TIME)
    expected = {one.decision_id for one in before if one.user_id == "U3" and one.action != "hard_block"}
    blocked = {one.decision_id for one in before if one.user_id == "U3"} - expected
    assert expected
    assert blocked
    made, settled = cases.snooze("U3", "burst", "pays for a club", 7, "anna")
    assert made.until_ms == NOW_MS + 7 * DAY_MS
    assert ids(cases, state="snoozed") == expected
    assert ids(cases) == {one.decision_id for one in before} - expected
    assert ids(cases, state="all") == {one.decision_id for one in before}
    assert ids(cases, user_id="U3") == blocked
    assert cases.count(QueueFilters()) == len(before) - len(expected)
    assert {one.snoozed_until_ms for one in cases.fitting(QueueFilters(state="all"), settled.kept_out)} == {
        made.until_ms
    }
    for number in settled.kept_out:
        assert words(cases, number) == [("anna", "snoozed", "burst: pays for a club")]
    taken = set()
    while (row := cases.claim_next(QueueFilters(user_id="U3"), BY_TIME, "ben")) is not None:
        taken.add(row.decision_id)
    assert taken == blocked
    clock.now_ms = made.until_ms
    assert ids(cases) == {one.decision_id for one in before}
    assert ids(cases, state="snoozed") == set()


def test_what_is_kept_out_is_as_a_search_finds_it(store: DecisionStore, clock: Clock, cases: CaseStore) -> None:  # noqa: F811
    random = Random(3)
    made = []
    for number in range(80):
        hits = random.sample(RULES, random.randrange(1, 4))
        made.append(
            hit(
                number, hits, first=random.choice([None, None, None, "amount"]),
                action=random.choice(["refer_to_analyst", "soft_challenge", "hard_block"]),
                flags=random.choice([[], [], ["AML"]]),
            )
        )  # fmt: skip
    store.write(Batch(decisions=made, alerts=[alert_of(one) for one in made]))
    ends: dict[str, int] = {}
    for step in range(12):
        rule = random.choice(RULES)
        if rule in ends and random.random() < 0.4:
            found = next(one for one in cases.snoozes("Snoozer") if one.rule == rule and one.is_in_force(clock.now_ms))
            cases.end_snooze(found.snooze_id, "ben")
            del ends[rule]
        else:
            days = random.randrange(1, 20)
            cases.snooze("Snoozer", rule, f"step {step}", days, "anna")
            ends[rule] = clock.now_ms + days * DAY_MS
        clock.now_ms += random.randrange(3) * DAY_MS
        ends = {rule: end for rule, end in ends.items() if end > clock.now_ms}
        expected = {
            one.decision_id: min(ends[name] for name in one.rules.hits)
            for one in made
            if one.action != "hard_block" and not one.flags and one.reasons[0].source == "rule"
            and set(one.rules.hits) <= set(ends)
        }  # fmt: skip
        rows = cases.page(QueueFilters(state="snoozed", user_id="Snoozer"), BY_TIME)
        assert {one.decision_id: one.snoozed_until_ms for one in rows} == expected, step


@pytest.mark.parametrize("first", ["alert", "decision", "together"])
def test_what_comes_while_a_rule_is_snoozed_is_kept_out(store: DecisionStore, first: str) -> None:  # noqa: F811
    cases = CaseStore(store.database, lambda: time.time_ns() // 1_000_000)  # noqa: F811
    cases.snooze("Snoozer", "burst", "known", 1, "anna")
    newest, _ = cases.newest()
    made = [hit(1, ["burst"]), hit(2, ["burst", "night"]), hit(3, ["burst"], action="hard_block")]
    alerts = [alert_of(one) for one in made]
    if first == "together":
        store.write(Batch(decisions=made, alerts=alerts))
    else:
        steps = [Batch(alerts=alerts), Batch(decisions=made)]
        for batch in steps if first == "alert" else reversed(steps):
            store.write(batch)
    for _ in range(2):
        assert ids(cases, state="snoozed") == {"D1"}
        assert ids(cases, user_id="Snoozer") == {"D2", "D3"}
        assert words(cases, cases.case("D1").case_id) == [("anna", "snoozed", "burst: known")]
        assert cases.new_in_queue(newest, cases.newest()[0]) == 2
        store.write(Batch(decisions=made, alerts=alerts))


def test_a_snooze_is_ended_replaced_and_survives_outcomes(cases: CaseStore, clock: Clock) -> None:  # noqa: F811
    first, settled = cases.snooze("U3", "burst", "a", 7, "anna")
    number = settled.kept_out[0]
    cases.decide([number], "closed", "ben")
    assert number not in {one.case_id for one in cases.page(QueueFilters(state="snoozed"), BY_TIME)}
    cases.undo([number], "ben")
    assert cases.fitting(QueueFilters(state="all"), [number])[0].snoozed_until_ms == first.until_ms
    clock.now_ms += DAY_MS
    second, again = cases.snooze("U3", "burst", "b", 30, "ben")
    assert again.kept_out == []
    assert cases.fitting(QueueFilters(state="all"), [number])[0].snoozed_until_ms == second.until_ms
    known = cases.snoozes("U3")
    assert [(one.reason, one.ended_by, one.is_in_force(clock.now_ms)) for one in known] == [
        ("b", None, True), ("a", "ben", False),
    ]  # fmt: skip
    with pytest.raises(SnoozeError, match="ended already"):
        cases.end_snooze(first.snooze_id, "ben")
    _, ended = cases.end_snooze(second.snooze_id, "cara")
    assert set(ended.returned) == set(settled.kept_out)
    assert words(cases, number)[-1] == ("cara", "returned", "")
    assert ids(cases, state="snoozed") == set()
    for reason, days in (("", 1), ("x" * 501, 1), ("x", 0), ("x", 91)):
        with pytest.raises(SnoozeError):
            cases.snooze("U3", "burst", reason, days, "anna")


def test_an_erased_user_has_no_snoozes(store: DecisionStore, cases: CaseStore) -> None:  # noqa: F811
    cases.snooze("U3", "burst", "a secret of U3", 7, "anna")
    cases.snooze("U4", "burst", "other", 7, "anna")
    counts = store.erase_user("U3", NOW_MS + 1).counts
    assert counts["snoozes"] == 1
    assert counts["snoozed_cases"] > 1
    with store.database.read() as connection:
        assert connection.execute(select(snoozes.c.user_id)).scalars().all() == ["U4"]
        of_others = select(func.count()).where(snoozed_cases.c.case_id.not_in(select(case_table.c.case_id)))
        assert connection.execute(of_others).scalar_one() == 0


def test_old_alerts_that_were_only_snoozed_go_with_their_age(store: DecisionStore, cases: CaseStore) -> None:  # noqa: F811
    _, settled = cases.snooze("U3", "burst", "a", 7, "anna")
    cases.add_note(settled.kept_out[0], "looked at", "anna")
    apply_retention(store.database, RetentionPolicy(alerts_days=1), NOW_MS + 400 * DAY_MS)
    assert [one.case_id for one in cases.page(QueueFilters(state="all"), BY_TIME)] == [settled.kept_out[0]]
    with store.database.read() as connection:
        left = connection.execute(select(case_journal.c.case_id).distinct()).scalars().all()
        assert left == [settled.kept_out[0]]
        assert connection.execute(select(snoozed_cases.c.case_id)).scalars().all() == [settled.kept_out[0]]


def test_snoozes_move_to_postgresql(new_url: MakeUrl) -> None:  # noqa: F811
    from tests.console.web.seeding import fill

    old, new = DecisionStore.open(new_url("sqlite")), DecisionStore.open(new_url("postgresql"))
    fill(old, NOW_MS)
    made, settled = CaseStore(old.database, Clock()).snooze("U3", "burst", "a", 7, "anna")
    move(old, new)
    moved = CaseStore(new.database, Clock())
    assert moved.snoozes("U3") == [made]
    assert {one.case_id for one in moved.page(QueueFilters(state="snoozed"), BY_TIME)} == set(settled.kept_out)
    assert moved.snooze("U4", "burst", "b", 7, "anna")[0].snooze_id == made.snooze_id + 1
    old.close()
    new.close()
