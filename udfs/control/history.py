"""What was in force when, by the records of a control stream: the same rules as a running job's, applied to the whole log.

A job may refuse what is accepted here for reasons of its own machine, such as a bundle that it cannot load: its dead letters
tell that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from udfs.control.authority import Authority, NotAuthorised, require_not_ahead
from udfs.control.chain import Recorded
from udfs.control.elements import BlockListControl, ControlElement, ControlError
from udfs.control.envelope import ControlRecord, LateApproval, Publication, decode_record

Outcome = Literal["accepted", "approved", "repeated", "rejected"]
"""`approved`: the later approval of an emergency. `repeated`: no newer than what was in force."""


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A record, and what became of it. `at_ms`: when it was published, 0 where that is not known. `until_ms`: end of an
    emergency without an approval. `reason`: why it was rejected."""

    position: int
    location: str
    at_ms: int
    outcome: Outcome
    key: str | None = None
    version: int | None = None
    author: str | None = None
    approver: str | None = None
    backtest: str | None = None
    emergency: bool = False
    until_ms: int | None = None
    signed: bool = False
    sha256: str | None = None
    reason: str | None = None


def history_of(
    records: Iterable[Recorded], authority: Authority, start_versions: Mapping[str, int] | None = None
) -> list[HistoryEntry]:
    """One entry for each record, in order. `start_versions`: of the job's start-up values, by key."""
    ledger = _Ledger(authority, start_versions or {})
    for position, record in enumerate(records, start=1):
        ledger.add(position, record)
    return ledger.entries


def in_force(entries: Iterable[HistoryEntry], at_ms: int) -> dict[str, HistoryEntry]:
    """The entry in force for each key at a moment; a key without one has the job's start-up value."""
    lasting: dict[str, HistoryEntry] = {}
    found: dict[str, HistoryEntry] = {}
    for entry in entries:
        if entry.outcome != "accepted" or entry.key is None or entry.at_ms > at_ms:
            continue
        if entry.until_ms is None:
            lasting[entry.key] = found[entry.key] = entry
        elif at_ms < entry.until_ms:
            found[entry.key] = entry
        elif entry.key in lasting:
            found[entry.key] = lasting[entry.key]
        else:
            found.pop(entry.key, None)
    return found


class _Ledger:
    """Follows the records as a job does."""

    def __init__(self, authority: Authority, start_versions: Mapping[str, int]) -> None:
        self.entries: list[HistoryEntry] = []
        self._authority = authority
        self._versions = dict(start_versions)
        self._newest: dict[str, tuple[int, ControlRecord]] = {}

    def add(self, position: int, recorded: Recorded) -> None:
        entry = HistoryEntry(
            position=position, location=recorded.location, at_ms=recorded.recorded_ms or 0, outcome="rejected"
        )
        try:
            record = decode_record(recorded.payload)
            entry = _described(entry, record)
            late = record.link if isinstance(record.link, LateApproval) else None
            entry = self._take(entry, record) if late is None else self._approve(entry, late)
        except ControlError as error:
            entry = msgspec.structs.replace(entry, outcome="rejected", reason=str(error))
        self.entries.append(entry)

    def _take(self, entry: HistoryEntry, record: ControlRecord) -> HistoryEntry:
        element = record.element
        assert element is not None
        until_ms = self._authority.check(record)
        if element.version <= self._versions.get(element.key, 0):
            known = self._newest.get(element.key)
            if self._authority.needs_signatures and known is not None and known[1].sha256 != record.sha256:
                raise NotAuthorised(f"{element.key} version {element.version} was replaced before: it is replayed")
            return msgspec.structs.replace(entry, outcome="repeated")
        if isinstance(record.link, Publication):
            require_not_ahead(record.link.authorship, record.link.published_at_ms)
        self._versions[element.key] = element.version
        self._newest[element.key] = len(self.entries), record
        return msgspec.structs.replace(entry, outcome="accepted", until_ms=until_ms)

    def _approve(self, entry: HistoryEntry, late: LateApproval) -> HistoryEntry:
        place, record = self._newest.get(late.key, (None, None))
        link = None if record is None else record.link
        if record is None or place is None or not isinstance(link, Publication) or record.sha256 != entry.sha256:
            return msgspec.structs.replace(entry, outcome="repeated")
        if self.entries[place].until_ms is None:
            return msgspec.structs.replace(entry, outcome="repeated")
        self._authority.check_late(late, link.authorship)
        self.entries[place] = msgspec.structs.replace(self.entries[place], until_ms=None, approver=late.approval.person)
        return msgspec.structs.replace(entry, outcome="approved")


def _described(entry: HistoryEntry, record: ControlRecord) -> HistoryEntry:
    link = record.link
    described = msgspec.structs.replace(entry, sha256=record.sha256)
    if isinstance(link, LateApproval):
        return msgspec.structs.replace(
            described, at_ms=link.published_at_ms, key=link.key, version=link.version, approver=link.approval.person,
            backtest=link.approval.backtest, signed=link.approval.signature is not None,
        )  # fmt: skip
    element = record.element
    assert element is not None
    described = msgspec.structs.replace(described, key=element.key, version=element.version, author=element.author)
    if not isinstance(link, Publication):
        return msgspec.structs.replace(described, at_ms=entry.at_ms or _published_at(element))
    approval, authorship = link.approval, link.authorship
    return msgspec.structs.replace(
        described, at_ms=link.published_at_ms, author=authorship.person,
        approver=None if approval is None else approval.person, backtest=authorship.backtest,
        emergency=authorship.emergency, signed=authorship.signature is not None,
    )  # fmt: skip


def _published_at(element: ControlElement) -> int:
    return (element.published_at or 0) if isinstance(element, BlockListControl) else 0
