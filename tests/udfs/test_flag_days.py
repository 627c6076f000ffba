"""A flag is told once a day and kind, in whatever order a user's days come."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.flag_days import DAYS_REMEMBERED, FlagDays, learn_flags, untold_flags

DAY = 20_000


def told_in_order(events: list[tuple[str, int]]) -> list[tuple[str, int]]:
    memory: FlagDays = {}
    told = []
    for kind, day in events:
        untold = untold_flags(memory, (kind,), day)
        learn_flags(memory, untold, day)
        told += [(kind, day) for kind in untold]
    return told


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["AML", "KYC"]), st.integers(DAY, DAY + DAYS_REMEMBERED - 1))))
def test_within_a_month_each_kind_is_told_exactly_once_a_day(events: list[tuple[str, int]]) -> None:
    assert told_in_order(events) == list(dict.fromkeys(events))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["AML", "KYC"]), st.integers(0, 500))))
def test_nothing_is_ever_told_twice(events: list[tuple[str, int]]) -> None:
    told = told_in_order(events)
    assert len(told) == len(set(told))


def test_what_is_too_old_to_be_remembered_is_not_told() -> None:
    assert told_in_order([("AML", DAY), ("AML", DAY - DAYS_REMEMBERED)]) == [("AML", DAY)]
    assert told_in_order([("AML", DAY), ("AML", DAY - DAYS_REMEMBERED + 1)])[-1] == ("AML", DAY - DAYS_REMEMBERED + 1)


def test_the_memory_holds_one_entry_a_kind() -> None:
    memory: FlagDays = {}
    for day in range(DAY, DAY + 400):
        learn_flags(memory, ("AML", "PCI"), day)
    assert set(memory) == {"AML", "PCI"}
    assert all(newest == DAY + 399 and mask < 2**DAYS_REMEMBERED for newest, mask in memory.values())
