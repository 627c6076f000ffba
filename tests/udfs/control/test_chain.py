"""The hash chain: whatever is changed, dropped or moved in a log is told with its position."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.udfs.control.signers import NOW, log_of, proposal, published, thresholds
from udfs.control.chain import Recorded, chain_of
from udfs.control.elements import encode_control
from udfs.control.envelope import Link, encode_link, link_hash

LENGTH = 12
LOG = [encode_link(link) for link in log_of([proposal(thresholds(n)) for n in range(1, LENGTH + 1)])]


def faults(payloads: list[bytes]) -> list[tuple[int, str]]:
    chain = chain_of([Recorded(f"line {number}", payload) for number, payload in enumerate(payloads, start=1)])
    return [(fault.position, fault.told) for fault in chain.faults]


def rehashed(payload: bytes, **fields: Any) -> bytes:
    """The entry with other fields, and a hash that fits them."""
    link = msgspec.json.decode(json.dumps(json.loads(payload) | fields).encode(), type=Link)
    return encode_link(msgspec.structs.replace(link, hash=link_hash(link)))


def test_a_whole_log_has_no_faults_and_names_its_newest_entry() -> None:
    chain = chain_of([Recorded(str(number), payload) for number, payload in enumerate(LOG)])
    assert (chain.faults, chain.notes, chain.outside, chain.length) == ([], [], 0, LENGTH)
    assert chain.head == json.loads(LOG[-1])["hash"]
    assert chain.has(3, json.loads(LOG[2])["hash"])
    assert not chain.has(LENGTH + 1, chain.head)


@given(st.integers(0, LENGTH - 1), st.data())
def test_any_change_of_one_byte_is_told_at_its_place(place: int, data: st.DataObject) -> None:
    entry = LOG[place]
    at = data.draw(st.integers(0, len(entry) - 1))
    byte = data.draw(st.integers(0x20, 0x7E).filter(lambda byte: byte != entry[at]))
    tampered = entry[:at] + bytes([byte]) + entry[at + 1 :]
    try:
        if json.loads(tampered) == json.loads(entry):
            return
    except ValueError:
        pass
    found = faults([*LOG[:place], tampered, *LOG[place + 1 :]])
    assert found
    assert found[0][0] in (place + 1, place + 2)  # one that is no entry any more is told by its follower
    if place == LENGTH - 1 and not found:
        raise AssertionError("the last entry was changed")


def test_a_newest_entry_that_cannot_be_read_is_told() -> None:
    for name in (b'"previous"', b'"element_sha256"'):
        tampered = LOG[-1].replace(name, b" " + name[1:])
        ((position, told),) = faults([*LOG[:-1], tampered])
        assert position == LENGTH
        assert told.startswith("cannot be read: ")


@given(st.integers(0, LENGTH - 2))
def test_an_entry_written_anew_with_its_hash_is_told_by_its_follower(place: int) -> None:
    tampered = rehashed(LOG[place], published_at_ms=NOW - 5)
    found = faults([*LOG[:place], tampered, *LOG[place + 1 :]])
    before = place + 1
    assert found == [(place + 2, f"number {place + 2} does not follow number {before}: one of the two was changed")]


@given(st.sets(st.integers(0, LENGTH - 1), min_size=1, max_size=LENGTH - 1))
def test_dropped_entries_are_told_where_they_are_missing(dropped: set[int]) -> None:
    left = [number for number in range(LENGTH) if number not in dropped]
    gaps = [
        place + 1
        for place, number in enumerate(left)
        if number != (left[place - 1] + 1 if place else 0)
    ]  # fmt: skip
    assert [position for position, _ in faults([LOG[number] for number in left])] == gaps


@given(st.permutations(range(LENGTH)))
def test_any_other_order_is_told(order: list[int]) -> None:
    assert bool(faults([LOG[number] for number in order])) == (order != sorted(order))


def test_what_is_cut_off_at_the_end_is_told_by_the_noted_head_alone() -> None:
    whole = chain_of([Recorded("", payload) for payload in LOG])
    cut = chain_of([Recorded("", payload) for payload in LOG[:-2]])
    assert cut.faults == []
    assert not cut.has(whole.length, whole.head)


def test_two_publishers_at_the_same_moment_leave_a_note_and_no_fault() -> None:
    links = log_of([proposal(thresholds(1))])
    first = published(proposal(thresholds(2)), 2, links[0].hash)
    loser = published(proposal(thresholds(3)), 2, links[0].hash)
    again = published(proposal(thresholds(3)), 3, first.hash)
    log = [encode_link(link) for link in (*links, first, loser, again)]
    chain = chain_of([Recorded(str(place), payload) for place, payload in enumerate(log, start=1)])
    assert chain.faults == []
    assert [(note.position, note.told) for note in chain.notes] == [
        (3, "was written at the same moment as number 2, which is in the chain")
    ]
    assert faults(log[:-1]) == [
        (3, "was written at the same moment as number 2, which is in the chain, and is not in the chain itself")
    ]


def test_bare_elements_and_repeated_entries_are_no_faults() -> None:
    log = [encode_control(thresholds(40)), LOG[0], LOG[0], b"nonsense", *LOG[1:]]
    chain = chain_of([Recorded(str(place), payload) for place, payload in enumerate(log)])
    assert (chain.faults, chain.outside, len(chain.notes)) == ([], 2, 1)


def test_an_element_changed_with_all_hashes_but_its_authors_is_told() -> None:
    element = json.loads(LOG[-1])["element"] | {"hard_block": 1000}
    assert faults([*LOG[:-1], rehashed(LOG[-1], element=element)]) == [
        (LENGTH, f"number {LENGTH} was changed: its element is not the one that its author wrote")
    ]
