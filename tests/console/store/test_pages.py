"""Filtered pages against a brute-force filter over the same records in memory, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from console.store import walking
from console.store.errors import CursorError
from console.store.rows import AlertFilters, Batch, DecisionFilters, DecisionRecord
from console.store.store import DecisionStore
from tests.console.store.brute_force import found_by, key
from tests.console.store.conftest import KINDS, MakeUrl
from tests.console.store.made_records import (
    DAY_MS,
    RULES,
    START_MS,
    WORDS,
    alert_of,
    random_record,
    random_records,
    record,
)

RECORDS = random_records(seed=5, count=3_000)
Found = list[tuple[int, str]]


@pytest.fixture(scope="module", params=KINDS)
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecisionStore]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'store.sqlite'}"
    else:
        url = request.getfixturevalue("postgresql").make_database("pages")
    store = DecisionStore.open(url)
    for start in range(0, len(RECORDS), 700):
        part = RECORDS[start : start + 700]
        store.write(Batch(decisions=part, alerts=[alert_of(one) for one in part if one.action != "allow"]))
    yield store
    store.close()


def all_pages(store: DecisionStore, filters: DecisionFilters, limit: int) -> Found:
    found: Found = []
    cursor = None
    for _ in range(10_000):
        page = store.decisions(filters, cursor, limit)
        assert len(page.items) <= limit
        found += [key(row) for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages have no end")


def random_filters(random: Random) -> DecisionFilters:
    """Each filter in a third of the cases; some ask for what there is not."""
    moments = [START_MS + random.randrange(70 * DAY_MS) for _ in range(2)]
    some = random.choice(RECORDS)
    choices: dict[str, list[Any]] = {
        "from_ms": [min(moments), some.event_time_ms],
        "to_ms": [max(moments), some.event_time_ms],
        "user_id": [some.user_id, "nobody"],
        "transaction_id": [some.transaction_id],
        "action": ["allow", "refer_to_analyst", "hard_block", "no_action"],
        "min_score": [0, 1, 49, 50, 400, 420, 999, 1000, 1001],
        "max_score": [0, 49, 50, 777, 999, 1000, 5000],
        "rule": [*RULES, "no_rule"],
        "bundle": ["b1", "b2", "no_bundle"],
        "flag": ["AML", "KYC", "PCI", "no_flag"],
        "tag": ["unusual", "low_coverage", "tag_of_later", "limited_history"],
        "text": [*WORDS, "new device", "DEVICE foreign", "times usual 12", "nothing", "refer", "...", "Über"],
    }
    chance = random.choice([0.1, 0.25, 0.4])
    names = [name for name in choices if random.random() < (0.03 if name == "transaction_id" else chance)]
    return DecisionFilters(**{name: random.choice(choices[name]) for name in names})


def test_random_filters_find_what_a_look_at_every_record_finds(full: DecisionStore) -> None:
    random = Random(11)
    sizes = []
    for number in range(220):
        filters = random_filters(random)
        expected = found_by(RECORDS, filters)
        limit = random.choice([7, 50, 500]) if len(expected) < 400 else 500
        assert all_pages(full, filters, limit) == expected, (number, filters)
        sizes.append(len(expected))
    assert sum(size > 0 for size in sizes) >= 90  # the filters are not all too narrow
    assert sum(size == 0 for size in sizes) > 20


@pytest.mark.parametrize(
    "filters",
    [
        DecisionFilters(rule="night"),
        DecisionFilters(rule="night", flag="AML", tag="unusual"),
        DecisionFilters(min_score=50, max_score=420),
        DecisionFilters(text="device"),
        DecisionFilters(text="device new", action="hard_block"),
        DecisionFilters(user_id="U7", text="foreign"),
        DecisionFilters(max_score=49, bundle="b2"),
    ],
)
@pytest.mark.parametrize("sorted_texts", [0, 3_000])
def test_short_windows_and_no_time_give_the_same_decisions_in_more_pages(
    full: DecisionStore, filters: DecisionFilters, sorted_texts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "FIRST_WINDOW", 8)
    monkeypatch.setattr(walking, "LARGEST_WINDOW", 16)
    monkeypatch.setattr(walking, "DENSITY_SAMPLE", 40)
    monkeypatch.setattr("console.store.search.MOST_TEXTS_SORTED", sorted_texts)
    hurried = DecisionStore(full.database, {}, page_seconds=0.0)
    expected = found_by(RECORDS, filters)
    assert len(expected) > 3
    assert all_pages(hurried, filters, 5) == expected


def test_a_page_has_whole_decisions_without_features(full: DecisionStore) -> None:
    expected = {one.decision_id: one for one in RECORDS}
    rows = full.decisions(limit=200).items
    assert len(rows) == 200
    for row in rows:
        made = expected[row.decision_id]
        for name in type(row).__struct_fields__:
            if name not in ("features", "feature_set"):
                assert getattr(row, name) == getattr(made, name), name
        assert row.features is None


def test_pages_stay_stable_while_decisions_come_in(store: DecisionStore) -> None:
    first = [record(number) for number in range(0, 100)]
    store.write(Batch(decisions=first))
    page = store.decisions(limit=30)
    found = [row.decision_id for row in page.items]
    turn = 0
    while page.next_cursor is not None:
        turn += 1
        later = [record(1_000 * turn + number) for number in range(20)]  # newer than all: before the first page
        store.write(Batch(decisions=later))
        page = store.decisions(cursor=page.next_cursor, limit=30)
        found += [row.decision_id for row in page.items]
    assert found == [f"D{number}" for number in reversed(range(100))]
    assert turn == 3


def test_decisions_of_one_millisecond_are_paged_by_their_ids(store: DecisionStore) -> None:
    random = Random(2)
    same = [random_record(random, number) for number in range(300)]
    same = [record(n, decision_id=one.decision_id, event_time_ms=START_MS, hits=["night"], reasons=one.reasons)
            for n, one in enumerate(same)]  # fmt: skip
    store.write(Batch(decisions=same))
    assert all_pages(store, DecisionFilters(), 7) == sorted(map(key, same), reverse=True)
    assert all_pages(store, DecisionFilters(rule="night"), 11) == sorted(map(key, same), reverse=True)
    text = DecisionFilters(text="device")
    expected = found_by(same, text)
    assert len(expected) > 50
    assert all_pages(store, text, 7) == expected


def test_a_timeline_has_everything_of_a_user_newest_first(store: DecisionStore) -> None:
    from udfs.records.codec import decode_event

    events = [
        {"type": "login", "event_id": "L1", "user_id": "U1", "timestamp": START_MS + 500},
        {"type": "login", "event_id": "L2", "user_id": "U1", "timestamp": START_MS + 60_000},
        {"type": "account_change", "event_id": "C1", "user_id": "U1", "timestamp": START_MS + 60_000, "new_status": "x"},
        {"type": "label", "event_id": "B1", "user_id": "U1", "transaction_id": "T1", "timestamp": START_MS + 60_000,
         "known_at": START_MS + DAY_MS, "is_fraud": True},
        {"type": "login", "event_id": "L3", "user_id": "U2", "timestamp": START_MS},
        {"type": "transaction", "transaction_id": "T1", "user_id": "U1", "timestamp": START_MS + 60_000, "amount": 3},
    ]  # fmt: skip
    import msgspec

    store.write(
        Batch(
            decisions=[record(number) for number in (1, 6, 11, 2)],
            events=[decode_event(msgspec.json.encode(event)) for event in events],
        )
    )
    expected = [
        ("label", "B1"), ("decision", "D11"), ("decision", "D6"), ("login", "L2"), ("decision", "D1"),
        ("account_change", "C1"), ("login", "L1"),
    ]  # fmt: skip
    for limit in (1, 2, 3, 50):
        items, cursor = [], None
        while True:
            page = store.timeline("U1", cursor, limit)
            items += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert [(item.kind, item.item_id) for item in items] == expected, limit
    assert items[0].event is not None
    assert items[0].event["is_fraud"] is True
    assert items[4].decision is not None
    assert store.transaction(items[4].decision) == events[5] | {"amount": 3.0}
    assert store.transaction(items[1].decision) is None


def test_alerts_are_filtered_and_paged(full: DecisionStore) -> None:
    alerted = [one for one in RECORDS if one.action != "allow"]
    cases: list[tuple[AlertFilters, Callable[[DecisionRecord], bool]]] = [
        (AlertFilters(), lambda one: True),
        (AlertFilters(action="hard_block"), lambda one: one.action == "hard_block"),
        (AlertFilters(user_id="U3", flag="AML"), lambda one: one.user_id == "U3" and "AML" in one.flags),
        (AlertFilters(flag="KYC", from_ms=START_MS + 9 * DAY_MS, to_ms=START_MS + 40 * DAY_MS),
         lambda one: "KYC" in one.flags and 9 * DAY_MS <= one.event_time_ms - START_MS < 40 * DAY_MS),
        (AlertFilters(kind="flag"), lambda one: False),
    ]  # fmt: skip
    for filters, is_meant in cases:
        expected = sorted((key(one) for one in alerted if is_meant(one)), reverse=True)
        found: Found = []
        cursor = None
        while True:
            page = full.alerts(filters, cursor, 40)
            found += [(one.event_time_ms, one.alert_id) for one in page.items]  # type: ignore[union-attr]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == expected, filters


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!",
        "WzFd",
        "bm9wZQ",
        "W10",
        "WyJkZWNpc2lvbnMiLDEsMl0",
        "A" * 5_000,
        "\ud800",
        "WyJhbGVydHMiLDEsImEiXQ",
    ],
)
def test_what_is_no_cursor_of_the_listing_is_refused(full: DecisionStore, cursor: str) -> None:
    with pytest.raises(CursorError, match="next_cursor"):
        full.decisions(cursor=cursor)


def test_a_limit_below_one_is_refused(full: DecisionStore) -> None:
    with pytest.raises(ValueError, match="limit: 0"):
        full.decisions(limit=0)


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE decisions; --", '" OR 1=1', "%", "NEAR(a b)", "a* AND b", "\x00", "é" * 9_000]
)
def test_hostile_values_are_only_values(full: DecisionStore, value: str) -> None:
    for name in ("user_id", "transaction_id", "action", "rule", "bundle", "flag", "tag", "text"):
        filters = DecisionFilters(**{name: value})
        assert all_pages(full, filters, 500) == found_by(RECORDS, filters), name
    assert full.decision(value) is None
    assert full.timeline(value).items == []


def test_bundles_and_rule_sets_tell_when_they_decided(full: DecisionStore) -> None:
    for rows, name_of in (
        (full.bundles(), lambda one: one.model.bundle),
        (full.rule_sets(), lambda one: one.rules.version),
    ):
        spans: dict[Any, list[int]] = {}
        for one in RECORDS:
            spans.setdefault(name_of(one), []).append(one.event_time_ms)
        got = {getattr(row, "bundle", None) or row.version: (row.first_ms, row.last_ms) for row in rows}  # type: ignore[union-attr]
        assert got == {name: (min(times), max(times)) for name, times in spans.items()}


def test_postgresql_and_sqlite_urls_are_of_their_kind(new_url: MakeUrl) -> None:
    assert [new_url(kind).partition(":")[0] for kind in KINDS] == ["sqlite", "postgresql"]
