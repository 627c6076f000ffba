"""Proposing, approving and publishing control elements of the running job that a console sits beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from console.element_checks import ElementChecks
from console.store.control import ControlStore, ProposalRow, log_faults, stream_faults
from console.store.rows import AuditEntry
from console.store.store import DecisionStore
from jobs.config.control import authority_settings
from jobs.control.channel import ControlChannel, recorded
from jobs.control.in_force import Config
from jobs.control.opening import open_channel
from jobs.control.publishing import (
    approval_of,
    element_of,
    late_approval_of,
    proposal_of,
    publication_of,
    record_of,
    with_approval,
)
from udfs.control.authority import Authority, NotAuthorised
from udfs.control.chain import Chain, Recorded, chain_of
from udfs.control.elements import ControlElement, ControlError
from udfs.control.envelope import Proposal, Publication, decode_record
from udfs.control.history import HistoryEntry, history_of, in_force

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ABOUT = "control element"


class NoSuchProposal(Exception):
    """No proposal has this id."""


class ProposalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`element`: a control element as in docs/control.md; without a version it gets the next one. `backtest`: id of the
    backtest that it rests on. `emergency`: to be in force without an approval, for a day at most."""

    element: dict[str, Any]
    backtest: str | None = None
    emergency: bool = False


class ApprovalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the approver has seen: the content hash of the element, and the backtest."""

    element_sha256: str
    backtest: str | None = None


class PublicationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content hash of the element that is meant."""

    element_sha256: str


class ControlDesk:
    """Thread-safe; every method blocks and raises StoreUnavailable and ChannelError. Refusals are ControlError, and written
    to the audit log as the rest is."""

    def __init__(
        self,
        store: DecisionStore,
        job: Config,
        private_key: Ed25519PrivateKey | None,
        now_ms: Callable[[], int],
        audited_as: Callable[[str], str] = str,
    ) -> None:
        """`private_key`: signs in the names of the callers. `audited_as`: how the audit log names them.

        Raises ChannelError without a control stream.
        """
        self._store = store
        self._proposals = ControlStore(store.database)
        self._channel: ControlChannel = open_channel(job.control)
        self._checks = ElementChecks(job, self._channel, now_ms)
        self._authority = Authority(authority_settings(job.control))
        self._key = private_key
        self._now_ms = now_ms
        self._audited_as = audited_as

    def propose(self, who: str, request: ProposalRequest) -> ProposalRow:
        """Check an element and keep it for another person to approve."""
        element = self._checks.checked(msgspec.json.encode(self._checks.versioned(request.element, who)))
        payload = msgspec.json.encode(element)
        return self._added(
            who, element, proposal_of(payload, who, self._now_ms(), request.backtest, request.emergency, self._key)
        )

    def keep(self, proposal: Proposal) -> ProposalRow:
        """Keep what its author has written, and signed where the job asks for it, for another person to approve."""
        self._authority.check_author(record_of(proposal))
        return self._added(proposal.authorship.person, self._checks.checked(bytes(proposal.element)), proposal)

    def _added(self, who: str, element: ControlElement, proposal: Proposal) -> ProposalRow:
        row = self._proposals.add_proposal(proposal, element.key, element.version, self._now_ms())
        self._audit(who, "proposed", row)
        return row

    def approve(self, who: str, proposal_id: int, request: ApprovalRequest) -> ProposalRow:
        """Approve a proposal, or an emergency that is published already. Raises NotAuthorised, NoSuchProposal."""
        row = self._row(proposal_id)
        authorship = row.proposal.authorship
        try:
            if request.element_sha256 != authorship.element_sha256:
                raise NotAuthorised("the approval is of another content: read the proposal again")
            if row.proposal.approval is not None:
                raise NotAuthorised(f"{row.proposal.approval.person} approved it already")
            if request.backtest != authorship.backtest:
                raise NotAuthorised(f"the proposal rests on backtest {authorship.backtest or 'none'}: approve that one")
            self._require_whole_log()
            self._authority.check_author(record_of(row.proposal))
            approval = approval_of(authorship, who, self._now_ms(), request.backtest, self._key)
            self._authority.check_approval(authorship, approval)
            approved = with_approval(row.proposal, approval)
            if row.location is not None:
                late = late_approval_of(element_of(row.proposal), approval, self._now_ms())
                self._authority.check_late(late, authorship)
                self._channel.append(late)
            if not self._proposals.approve(proposal_id, approved, row.proposal):
                raise NotAuthorised("the proposal was changed meanwhile: read it again")
        except NotAuthorised as error:
            self._audit(who, "approval refused", row, str(error))
            raise
        self._audit(who, "approved", row)
        return self._row(proposal_id)

    def publish(self, who: str, proposal_id: int, request: PublicationRequest) -> ProposalRow:
        """Send a proposal to the job. Raises NotAuthorised without the approval that the job needs, NoSuchProposal."""
        row = self._row(proposal_id)
        location = self._location_of(row)
        try:
            if request.element_sha256 != row.proposal.authorship.element_sha256:
                raise NotAuthorised("the proposal has another content: read it again")
            if row.location is not None:
                raise NotAuthorised("it was published already")
            records = self._require_whole_log()
            if location is None:
                self._authority.check(record_of(row.proposal))
                self._checks.checked(bytes(row.proposal.element))
            before = self._in_force_before(row.element_key, [one for one in records if one.location != location])
        except ControlError as error:
            self._audit(who, "publication refused", row, str(error))
            raise
        if location is None:
            location = self._channel.append(publication_of(row.proposal, self._now_ms()))
        self._proposals.published(proposal_id, location, self._now_ms())
        self._audit(who, "published", row, before=before)
        self.history()
        return self._row(proposal_id)

    def proposal(self, proposal_id: int) -> ProposalRow:
        """Raises NoSuchProposal."""
        return self._row(proposal_id)

    def proposals(self, limit: int) -> list[ProposalRow]:
        """The newest ones first."""
        return [self._row(proposal_id) for proposal_id in self._proposals.proposals(limit)]

    def history(self, at_ms: int | None = None) -> list[HistoryEntry]:
        """All that was published, oldest first, or what was in force at a moment; the store's log gets what is new."""
        _, entries = self.log()
        return entries if at_ms is None else list(in_force(entries, at_ms).values())

    def log(self) -> tuple[list[Recorded], list[HistoryEntry]]:
        """The records of the control stream, oldest first, each with what became of it; the store's log gets what is new."""
        records = recorded(self._channel.read())
        entries = history_of(records, self._authority, self._checks.start_versions())
        self._proposals.take(records, entries)
        return records, entries

    def change(self, who: str, element: dict[str, Any], key: str) -> ProposalRow:
        """Propose an element, with the next version of its key if it has none, and publish it at once where that needs no
        approval. One that was made of an older version than the newest is refused."""
        numbered = element if "version" in element else element | {"version": self._checks.newest_version(key) + 1}
        row = self.propose(who, ProposalRequest(element=numbered))
        if self.needs_approval(key.partition("/")[0]):
            return row
        return self.publish(
            who, row.proposal_id, PublicationRequest(element_sha256=row.proposal.authorship.element_sha256)
        )

    def faults(self, records: list[Recorded]) -> tuple[Chain, list[str]]:
        """The hash chain of the records, and what is wrong in the store's log, between the two, and in the chain."""
        chain, rows = chain_of(records), self._proposals.log()
        return chain, [str(fault) for fault in (*log_faults(rows), *stream_faults(rows, records), *chain.faults)]

    @property
    def emergency_ms(self) -> int:
        """How long an emergency is in force without an approval."""
        return self._authority.settings.emergency_ms

    def needs_approval(self, kind: str) -> bool:
        """Whether elements of this kind need the approval of a second person."""
        return self._authority.needs_approval(kind)

    def _row(self, proposal_id: int) -> ProposalRow:
        row = self._proposals.proposal(proposal_id)
        if row is None:
            raise NoSuchProposal(f"no proposal has the id {proposal_id}")
        return row

    def _location_of(self, row: ProposalRow) -> str | None:
        """Where it was published by a console that was killed before it noted that."""
        wanted = row.proposal.authorship
        for record in self._channel.read():
            link = decode_record(record.payload).link if record.fault is None else None
            if isinstance(link, Publication) and link.authorship == wanted:
                return record.location
        return None

    def _require_whole_log(self) -> list[Recorded]:
        """The records of the control stream. Raises NotAuthorised if the log of what was published was tampered with, in the
        store or in the control stream."""
        records = recorded(self._channel.read())
        _, faults = self.faults(records)
        if faults:
            raise NotAuthorised(
                f"the log of what was published is not whole (`fraud control verify` tells all): {faults[0]}"
            )
        return records

    def _in_force_before(self, key: str, records: list[Recorded]) -> dict[str, Any] | None:
        """What a publication of a key replaces; None for a new list."""
        start_versions = self._checks.start_versions()
        entry = in_force(history_of(records, self._authority, start_versions), self._now_ms()).get(key)
        if entry is not None:
            return {"version": entry.version, "element_sha256": entry.sha256, "author": entry.author}
        version = start_versions.get(key)
        return None if version is None else {"version": version, "from": "the job's start"}

    def _audit(
        self, who: str, what: str, row: ProposalRow, reason: str | None = None, before: dict[str, Any] | None = None
    ) -> None:
        authorship = row.proposal.authorship
        after = {
            "proposal": row.proposal_id, "author": authorship.person, "element_sha256": authorship.element_sha256,
            "backtest": authorship.backtest, "emergency": authorship.emergency,
        }  # fmt: skip
        self._store.audit(
            AuditEntry(
                at_ms=self._now_ms(), who=self._audited_as(who), what=f"{ABOUT} {what}",
                subject=f"{row.element_key} version {row.element_version}",
                before=before, after=after if reason is None else after | {"reason": reason},
            )
        )  # fmt: skip
