"""From an element to its publication: written by one person, approved by another, checked as the job checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from udfs.control.authority import Authority
from udfs.control.elements import ControlElement, ControlError
from udfs.control.envelope import (
    NO_HASH,
    Approval,
    Authorship,
    ControlRecord,
    LateApproval,
    Proposal,
    Publication,
    check_statement,
    compact_element,
    decode_record,
    element_hash,
)
from udfs.control.signing import signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def proposal_of(
    element: bytes,
    person: str,
    now_ms: int,
    backtest: str | None = None,
    emergency: bool = False,
    private_key: Ed25519PrivateKey | None = None,
) -> Proposal:
    """The element with the statement of its author. Raises ControlError."""
    authorship = Authorship(
        person=person, at_ms=now_ms, element_sha256=element_hash(element), backtest=backtest, emergency=emergency
    )
    check_statement(authorship)
    return Proposal(
        element=compact_element(element),
        authorship=authorship if private_key is None else signed(authorship, private_key),
    )


def approval_of(
    authorship: Authorship,
    person: str,
    now_ms: int,
    backtest: str | None = None,
    private_key: Ed25519PrivateKey | None = None,
) -> Approval:
    """The approval of what its author wrote. `backtest`: that of the author if None. Raises NotAuthorised for the author."""
    approval = Approval(
        person=person, at_ms=now_ms, element_sha256=authorship.element_sha256, backtest=backtest or authorship.backtest
    )
    check_statement(approval)
    Authority.without_keys().check_approval(authorship, approval)
    return approval if private_key is None else signed(approval, private_key)


def record_of(proposal: Proposal) -> ControlRecord:
    """What a job gets of a proposal, but for its place in the log. Raises ControlError."""
    from udfs.control.envelope import encode_link, linked

    return decode_record(encode_link(linked(publication_of(proposal, 0), 1, NO_HASH)))


def element_of(proposal: Proposal) -> ControlElement:
    """The element of a proposal. Raises ControlError."""
    element = record_of(proposal).element
    if element is None:
        raise ControlError("the proposal has no element")
    return element


def publication_of(proposal: Proposal, now_ms: int) -> Publication:
    """The record to append to the control stream, which gives it its place."""
    return Publication(
        element=compact_element(bytes(proposal.element)), authorship=proposal.authorship, approval=proposal.approval,
        published_at_ms=now_ms, number=1, previous=NO_HASH,
    )  # fmt: skip


def late_approval_of(element: ControlElement, approval: Approval, now_ms: int) -> LateApproval:
    """The record that approves an emergency publication."""
    return LateApproval(
        key=element.key, version=element.version, approval=approval, published_at_ms=now_ms, number=1, previous=NO_HASH
    )


def with_approval(proposal: Proposal, approval: Approval) -> Proposal:
    return msgspec.structs.replace(proposal, approval=approval)
