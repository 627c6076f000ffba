"""Proposals of control elements, and the append-only log of what the control stream brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from console.store.engine import Database
from console.store.tables import control_log, control_proposals
from udfs.control.canonical import canonical, content_hash
from udfs.control.chain import ChainFault, Recorded
from udfs.control.envelope import NO_HASH, Proposal, decode_proposals, encode_proposals
from udfs.control.history import HistoryEntry

ProposalState = Literal["proposed", "approved", "published"]


class ProposalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal. `published_ms` and `location`: None until it is published."""

    proposal_id: int
    created_ms: int
    element_key: str
    element_version: int
    proposal: Proposal
    published_ms: int | None = None
    location: str | None = None

    @property
    def state(self) -> ProposalState:
        """How far it has come."""
        if self.location is not None:
            return "published"
        return "proposed" if self.proposal.approval is None else "approved"


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the control stream. `outcome`: accepted, approved, repeated or rejected (`reason`)."""

    number: int
    at_ms: int
    location: str
    outcome: str
    reason: str | None
    payload: bytes
    hash: str


class ControlStore:
    """Tables of one database. Thread-safe; every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_proposal(self, proposal: Proposal, key: str, version: int, now_ms: int) -> ProposalRow:
        """Keep a proposal."""
        values = {"created_ms": now_ms, "element_key": key, "element_version": version, "body": _body(proposal)}
        with self._database.write() as connection:
            made = connection.execute(insert(control_proposals).values(values)).inserted_primary_key
        assert made is not None
        return ProposalRow(
            proposal_id=made[0], created_ms=now_ms, element_key=key, element_version=version, proposal=proposal
        )

    def proposal(self, proposal_id: int) -> ProposalRow | None:
        """Raises ControlError if the row cannot be read."""
        with self._database.read() as connection:
            columns = control_proposals.c
            row = connection.execute(
                select(control_proposals).where(columns.proposal_id == proposal_id)
            ).mappings().first()  # fmt: skip
        if row is None:
            return None
        values = dict(row)
        (proposal,) = decode_proposals(values.pop("body").encode())
        return ProposalRow(proposal=proposal, **values)

    def proposals(self, limit: int) -> list[int]:
        """The ids of the newest ones, the newest first."""
        with self._database.read() as connection:
            column = control_proposals.c.proposal_id
            return list(connection.execute(select(column).order_by(column.desc()).limit(limit)).scalars())

    def approve(self, proposal_id: int, proposal: Proposal, before: Proposal) -> bool:
        """Replace what was said of a proposal by its approval; False if it is not as `before` any more."""
        columns = control_proposals.c
        with self._database.write() as connection:
            done = connection.execute(
                update(control_proposals)
                .where(columns.proposal_id == proposal_id, columns.body == _body(before))
                .values(body=_body(proposal))
            )
        return done.rowcount == 1

    def published(self, proposal_id: int, location: str, now_ms: int) -> None:
        """Note where and when it was published."""
        with self._database.write() as connection:
            connection.execute(
                update(control_proposals)
                .where(control_proposals.c.proposal_id == proposal_id)
                .values(location=location, published_ms=now_ms)
            )

    def take(self, records: Sequence[Recorded], entries: Iterable[HistoryEntry]) -> int:
        """Add the records that the log does not have yet, with what became of them; returns how many."""
        with self._database.write_alone() as connection:
            known = set(connection.execute(select(control_log.c.location)).scalars())
            number, before = _last(connection)
            added = 0
            for record, entry in zip(records, entries, strict=True):
                if record.location in known:
                    continue
                number += 1
                row = LogRow(
                    number=number, at_ms=entry.at_ms, location=record.location, outcome=entry.outcome,
                    reason=entry.reason, payload=record.payload, hash="",
                )  # fmt: skip
                before = row_hash(row, before)
                connection.execute(insert(control_log).values(msgspec.structs.asdict(row) | {"hash": before}))
                added += 1
            return added

    def newest(self) -> int:
        """Number of the newest row of the log; 0 without any."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(control_log.c.number))).scalar() or 0)

    def log(self) -> list[LogRow]:
        """All of the log, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(control_log).order_by(control_log.c.number)).mappings()
            return [LogRow(**row) for row in rows]


def row_hash(row: LogRow, before: str) -> str:
    """The hash of a row of the log that follows the one with the hash `before`."""
    return content_hash(canonical([before, row.number, row.at_ms, row.location, row.outcome, row.reason, row.payload]))


def log_faults(rows: Sequence[LogRow]) -> list[ChainFault]:
    """What is wrong in the rows: one that was changed, dropped or moved."""
    faults = []
    number, before = 0, NO_HASH
    for position, row in enumerate(rows, start=1):
        told = None
        if row.number != number + 1:
            told = f"rows {number + 1} to {row.number - 1} before it are missing: dropped"
        elif row.hash != row_hash(row, before):
            told = f"row {row.number} was changed, or does not follow the one before it"
        if told is not None:
            faults.append(ChainFault(position, row.location, told))
        number, before = row.number, row.hash
    return faults


def stream_faults(rows: Sequence[LogRow], records: Sequence[Recorded]) -> list[ChainFault]:
    """Where the control stream is not what the log has of it."""
    now = {record.location: record.payload for record in records}
    faults = []
    for position, row in enumerate(rows, start=1):
        if b'"previous"' not in row.payload:
            continue  # compaction removes bare elements that were replaced
        if row.location not in now:
            faults.append(ChainFault(position, row.location, "the control stream does not have it any more"))
        elif now[row.location] != row.payload:
            faults.append(ChainFault(position, row.location, "the control stream has something else there"))
    return faults


def _last(connection: Connection) -> tuple[int, str]:
    number = connection.execute(select(func.max(control_log.c.number))).scalar()
    if number is None:
        return 0, NO_HASH
    found: str = connection.execute(select(control_log.c.hash).where(control_log.c.number == number)).scalar_one()
    return number, found


def _body(proposal: Proposal) -> str:
    return encode_proposals([proposal]).decode()
