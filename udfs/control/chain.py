"""The hash chain of published records: is each the one that followed the one before it?

An entry that was changed has another hash than it says, or than its follower names; one that was dropped or moved leaves a
number out. What is cut off at the end is told only by a hash that was noted elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from udfs.control.elements import ControlError
from udfs.control.envelope import NO_HASH, ControlRecord, LateApproval, Publication, decode_record, link_hash
from udfs.rules.errors import one_line

_OF_LINKS = (b'"previous"', b'"element_sha256"')
"""What a record of the chain still has where it cannot be read: a change of one name leaves the other."""


class Recorded(NamedTuple):
    """A record as the log has it. `recorded_ms`: when its log took it, in epoch milliseconds, where that is known."""

    location: str
    payload: bytes
    recorded_ms: int | None = None


class ChainFault(NamedTuple):
    """What is wrong at one place of the log. `position`: of the record among all, from 1."""

    position: int
    location: str
    told: str

    def __str__(self) -> str:
        return f"entry {self.position} ({self.location}): {self.told}"


class Chain(NamedTuple):
    """The chain of a log. `hashes`: by number, from 0 for the start. `notes`: entries out of the chain that took no effect,
    as two publishers at the same moment leave them. `outside`: records without a place in the chain."""

    hashes: dict[int, str]
    faults: list[ChainFault]
    notes: list[ChainFault]
    outside: int

    @property
    def length(self) -> int:
        return max(self.hashes)

    @property
    def head(self) -> str:
        """The hash of the newest entry."""
        return self.hashes[self.length]

    def has(self, number: int, entry_hash: str) -> bool:
        """Whether the entry of this number has this hash."""
        return self.hashes.get(number) == entry_hash


def chain_of(records: Iterable[Recorded]) -> Chain:
    """Follow the chain through the records, which are in the log's order."""
    hashes = {0: NO_HASH}
    last = 0
    faults: list[ChainFault] = []
    notes: list[ChainFault] = []
    branches: list[tuple[ChainFault, str]] = []
    published: set[str] = set()
    outside = 0
    for position, record in enumerate(records, start=1):
        try:
            decoded = decode_record(record.payload)
        except ControlError as error:
            if any(name in record.payload for name in _OF_LINKS):
                faults.append(ChainFault(position, record.location, f"cannot be read: {one_line(str(error))}"))
            else:
                outside += 1
            continue
        link = decoded.link
        if link is None:
            outside += 1
            continue

        def told(text: str, position: int = position, location: str = record.location) -> ChainFault:
            return ChainFault(position, location, text)

        if link.hash != link_hash(link):
            faults.append(told(f"number {link.number} was changed: it does not have the hash that it says"))
        elif isinstance(link, Publication) and link.authorship.element_sha256 != decoded.sha256:
            faults.append(told(f"number {link.number} was changed: its element is not the one that its author wrote"))
        if link.number > last:
            if link.number > last + 1:
                faults.append(told(f"{_numbers(last + 1, link.number - 1)} before it: dropped or moved"))
            elif link.previous != hashes[last]:
                before = f"number {last}" if last else "the start"
                faults.append(told(f"number {link.number} does not follow {before}: one of the two was changed"))
            last = link.number
            hashes[last] = link.hash
            published.add(_name(decoded))
        elif hashes.get(link.number) == link.hash:
            notes.append(told(f"number {link.number} is there again"))
        elif link.number in hashes and link.previous == hashes.get(link.number - 1):
            note = told(f"was written at the same moment as number {link.number}, which is in the chain")
            branches.append((note, _name(decoded)))
        else:
            faults.append(told(f"number {link.number} comes after number {last}: moved"))
    for note, name in branches:
        if name in published:
            notes.append(note)
        else:
            faults.append(note._replace(told=f"{note.told}, and is not in the chain itself"))
    return Chain(hashes, sorted(faults), sorted(notes), outside)


def _name(record: ControlRecord) -> str:
    """What only one entry of the chain is about."""
    if isinstance(record.link, LateApproval):
        return f"approval {record.link.key} {record.link.version}"
    assert record.element is not None
    return f"{record.element.key} {record.element.version}"


def _numbers(first: int, last: int) -> str:
    return f"number {first} is missing" if first == last else f"numbers {first} to {last} are missing"
