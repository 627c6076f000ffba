"""The broadcast state of control elements against a plain dict, and its size for a long block list."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from udfs.control.elements import BlockListControl, encode_control
from udfs.control.kept_elements import AT_ONCE, BUCKETS, LOOSE, KeptElements

LONG = 30_000


class Map:
    """A map with the methods of Flink's broadcast state."""

    def __init__(self, entries: dict[str, bytes] | None = None) -> None:
        self.entries = dict(entries or {})

    def get(self, key: str) -> bytes | None:
        return self.entries.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.entries[key] = value

    def remove(self, key: str) -> None:
        self.entries.pop(key, None)

    def items(self) -> Iterable[tuple[str, bytes]]:
        return list(self.entries.items())

    def size(self) -> int:
        return sum(len(key) + len(value) for key, value in self.entries.items())


def entry(number: int, version: int = 1) -> tuple[str, bytes]:
    element = BlockListControl(
        version=version, type="user", value=f"U{number:08d}", reason_code="STOLEN_CARD", source_system="case-management",
        expires_at=1_800_000_000_000 + 977 * number, published_at=1_790_000_000_000 + number, author="fraud.team",
        note="confirmed by the customer",
    )  # fmt: skip
    return element.key, encode_control(element)


def content(state: Map) -> dict[str, bytes]:
    """What a restore reads."""
    read = list(KeptElements().restored(state))
    assert len(read) == len(dict(read))
    return dict(read)


@pytest.mark.parametrize("is_upgrade", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_and_dropped_is_what_a_dict_would_hold(seed: int, is_upgrade: bool) -> None:
    """Also from the state of an earlier version, and with restores in between."""
    chance = random.Random(seed)
    expected = dict(entry(number) for number in range(2_000)) if is_upgrade else {}
    state, kept = Map(expected), KeptElements()
    assert dict(kept.restored(state)) == expected
    for version in range(2, 10_000):
        key, payload = entry(chance.randrange(4_000), version)
        if chance.random() < 0.1:
            keys = [key, entry(chance.randrange(4_000))[0]]
            kept.drop(state, keys)
            for dropped in keys:
                expected.pop(dropped, None)
        else:
            kept.keep(state, key, payload)
            expected[key] = payload
        if version in (30, 50, 5_000):
            assert content(state) == expected
            kept = KeptElements()
            assert dict(kept.restored(state)) == expected
    assert content(state) == expected
    assert not any(key.startswith("block-list/") for key in state.entries)
    kept.drop(state, expected)
    assert state.entries == {}


def test_other_elements_are_kept_as_they_are_one_a_kind() -> None:
    state, kept = Map(), KeptElements()
    kept.keep(state, "rules", b'{"kind":"rules"}')
    kept.keep(state, "thresholds", b"1")
    kept.keep(state, "thresholds", b"2")
    assert state.entries == {"rules": b'{"kind":"rules"}', "thresholds": b"2"}
    assert content(state) == {"rules": b'{"kind":"rules"}', "thresholds": b"2"}


def test_the_state_of_an_earlier_version_is_packed_some_entries_at_a_time() -> None:
    state, kept = Map(dict(entry(number) for number in range(1_000))), KeptElements()
    list(kept.restored(state))
    for version in range(1, 4):
        kept.keep(state, "thresholds", b"t")
        left = sum(key.startswith("block-list/") for key in state.entries)
        assert left == 1_000 - version * AT_ONCE


def test_a_long_block_list_takes_a_fraction_of_the_room() -> None:
    """Less than half the bytes, and a thirtieth of the entries, each of which costs the JVM some 150 bytes more."""
    plain, packed, kept = Map(), Map(), KeptElements()
    for number in range(LONG):
        key, payload = entry(number)
        plain.put(key, payload)
        kept.keep(packed, key, payload)
    assert len(plain.entries) == LONG
    assert len(packed.entries) == BUCKETS
    assert packed.size() < 0.5 * plain.size()
    assert content(packed) == plain.entries


def test_no_bucket_begins_like_a_pickle() -> None:
    state, kept = Map(), KeptElements()
    for number in range(LOOSE * BUCKETS // 4):
        kept.keep(state, *entry(number))
        kept.drop(state, [entry(number - 1)[0]])
    assert {value[0] for value in state.entries.values()} == {0x92}
