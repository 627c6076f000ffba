"""The live block list at its limit, against a full scan of all accepted elements."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.control.test_live_control import Live
from tests.udfs.scoring.test_scorer import reference
from udfs.control.block_list import BlockList
from udfs.control.elements import BlockListControl, ControlError, decode_control, encode_control
from udfs.control.live_block_list import LiveBlockList
from udfs.control.live_control import LiveControl
from udfs.records.profiles import BlockEntry

__all__ = ["reference"]

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_767_225_600_000
MAX_KEYS = 4
USERS = [f"U{number}" for number in range(9)]
START_UP = [BlockEntry(type="user", value="U0", reason_code="START"), BlockEntry(type="user", value="U1", expires_at=1)]


def entry(user: str, version: int = 1, **fields: Any) -> BlockListControl:
    return BlockListControl(version=version, type="user", value=user, **fields)


def in_force(entry: BlockEntry, time_ms: int) -> bool:
    return entry.expires_at is None or time_ms < entry.expires_at


def blocked(block_list: BlockList, user: str, time_ms: int) -> list[str | None]:
    """Reasons of the entries in force for a payment of the user at that time."""
    entries = block_list.entries_of("user", user)
    return [entry.reason_code for entry in entries if in_force(entry, time_ms)]


times = st.integers(0, 12).map(lambda steps: NOW + steps * DAY // 2)
changes = st.builds(
    entry,
    user=st.sampled_from(USERS),
    version=st.integers(1, 30),
    blocked=st.booleans(),
    reason_code=st.sampled_from(["A", "B"]),
    expires_at=st.none() | times,
    published_at=st.none() | times,
)


class FullScan:
    """The oracle: keeps the accepted elements and scans them."""

    def __init__(self) -> None:
        self.newest: dict[str, BlockListControl] = {}

    def is_idle(self, element: BlockListControl, by: BlockListControl) -> bool:
        """Whether the element may be dropped when the other one is published."""
        if element.value in ("U0", "U1") or element.version > by.version or by.published_at is None:
            return False  # in the list loaded at start
        known = element.published_at or 0
        if element.blocked:
            return element.expires_at is not None and max(element.expires_at, known) + DAY <= by.published_at
        return element.published_at is not None and known + DAY <= by.published_at

    def apply(self, element: BlockListControl) -> bool:
        """False if the list is full."""
        if element.value not in self.newest and len(self.newest) >= MAX_KEYS:
            idle = [user for user, one in self.newest.items() if self.is_idle(one, element)]
            if not idle:
                return False
            for user in idle:
                del self.newest[user]
        self.newest[element.value] = element
        return True

    def reasons(self, user: str, time_ms: int) -> list[str | None]:
        known = self.newest.get(user)
        if known is None:
            return [one.reason_code for one in START_UP if one.value == user and in_force(one, time_ms)]
        return [known.reason_code] if known.blocked and in_force(known.entry, time_ms) else []


@settings(max_examples=400, deadline=None)
@given(st.lists(changes, max_size=40))
def test_blocked_parties_match_a_full_scan_after_each_element(
    elements: list[BlockListControl],
) -> None:
    block_list, scan = BlockList(START_UP), FullScan()
    live = LiveBlockList(block_list, MAX_KEYS)
    for element in elements:
        known = scan.newest.get(element.value)
        if known is not None and element.version <= known.version:
            continue  # LiveControl ignores it
        before = dict(scan.newest)
        if scan.apply(element):
            gone = {f"block-list/user:{user}" for user in before.keys() - scan.newest.keys()}
            assert set(live.apply(element)) == gone
        else:
            with pytest.raises(ControlError, match=rf"has reached {MAX_KEYS} entries"):
                live.apply(element)
        assert len(live) == len(scan.newest) <= MAX_KEYS
        for user in USERS:
            for time_ms in range(NOW - DAY, NOW + 7 * DAY, DAY // 2):
                assert blocked(block_list, user, time_ms) == scan.reasons(user, time_ms)


@settings(max_examples=300, deadline=None)
@given(st.lists(changes, max_size=40))
def test_accepted_entries_stay_in_force_for_late_events(elements: list[BlockListControl]) -> None:
    """An accepted entry stays in force for payments up to a day older than the newest published element."""
    block_list = BlockList()
    live = LiveBlockList(block_list, MAX_KEYS)
    newest: dict[str, BlockListControl] = {}
    for element in elements:
        if element.value in newest and element.version <= newest[element.value].version:
            continue
        try:
            live.apply(element)
        except ControlError:
            continue
        newest[element.value] = element
    latest = max((one.published_at or 0 for one in elements), default=0)
    for user, one in newest.items():
        for time_ms in range(latest - DAY, latest + 3 * DAY, HOUR * 6):
            expected = [one.reason_code] if one.blocked and in_force(one.entry, time_ms) else []
            assert blocked(block_list, user, time_ms) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(changes, max_size=25), st.integers(0, 25), st.randoms(use_true_random=False))
def test_a_restored_instance_behaves_like_the_original(
    reference: Path, elements: list[BlockListControl], restored_at: int, shuffle: random.Random
) -> None:
    """The operator keeps the newest element of each key, without dropped keys, in any order."""
    running, kept = Live(reference), dict[str, bytes]()
    control = LiveControl(running.scorer, MAX_KEYS)
    restored, restored_control = running, control
    for number, element in enumerate(elements):
        if number == restored_at:
            restored = Live(reference)
            restored_control = LiveControl(restored.scorer, MAX_KEYS)
            for payload in shuffle.sample([*kept.values()], len(kept)):
                assert restored_control.apply(decode_control(payload))
        outcomes = {one: outcome(one, element) for one in {control, restored_control}}
        assert outcomes[control] == outcomes[restored_control]
        if outcomes[control] is True:
            for key in control.dropped_keys:
                del kept[key]
            kept[element.key] = encode_control(element)
        assert running.scorer.control_versions == restored.scorer.control_versions
        for user in USERS:
            for time_ms in (NOW, NOW + 2 * DAY, NOW + 5 * DAY):
                here, there = (one.scorer.engine.block_list for one in (running, restored))
                assert blocked(here, user, time_ms) == blocked(there, user, time_ms)
    assert len(kept) <= MAX_KEYS


def outcome(control: LiveControl, element: BlockListControl) -> bool | str:
    try:
        return control.apply(element)
    except ControlError as error:
        return str(error)


def test_a_full_list_refuses_new_keys_but_updates_known_ones() -> None:
    block_list = BlockList()
    live = LiveBlockList(block_list, 2)
    live.apply(entry("U2", expires_at=NOW))
    live.apply(entry("U3", published_at=NOW))
    with pytest.raises(ControlError, match="reached 2 entries, and the element has no published_at,"):
        live.apply(entry("U4", version=2))
    with pytest.raises(ControlError, match=r"none expired or was unblocked a day ago: put long lists"):
        live.apply(entry("U4", version=2, published_at=NOW + DAY - 1))
    assert live.apply(entry("U3", version=2, blocked=False, published_at=NOW)) == []
    assert live.apply(entry("U4", version=3, published_at=NOW + DAY)) == ["block-list/user:U2", "block-list/user:U3"]
    assert blocked(block_list, "U4", NOW + DAY) == [None]
    assert len(live) == 1
