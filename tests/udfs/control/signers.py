"""Persons with keys, and records of the control stream that they make."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jobs.control.publishing import approval_of, proposal_of, publication_of, with_approval
from udfs.control.authority import AuthoritySettings
from udfs.control.elements import ControlElement, ThresholdsControl, encode_control
from udfs.control.envelope import NO_HASH, Link, Proposal, encode_link, linked
from udfs.control.signing import TrustedKey, public_key_of

NOW = 1_800_000_000_000
HOUR = 3_600_000
KEYS = {
    person: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, person in enumerate(("alice", "bob", "mallory", "console"), start=1)
}


def trusting(*persons: str, **settings: Any) -> AuthoritySettings:
    keys = tuple(TrustedKey(person, public_key_of(KEYS[person]), for_others=person == "console") for person in persons)
    return AuthoritySettings(trusted_keys=keys, **settings)


def thresholds(version: int, block: int = 900) -> ThresholdsControl:
    return ThresholdsControl(version=version, refer_to_analyst=100, soft_challenge=200, hard_block=block)


def proposal(
    element: ControlElement, author: str = "alice", approver: str | None = None, signed: bool = True,
    at_ms: int = NOW, **options: Any,
) -> Proposal:  # fmt: skip
    made = proposal_of(encode_control(element), author, at_ms, private_key=KEYS[author] if signed else None, **options)
    if approver is None:
        return made
    approval = approval_of(made.authorship, approver, at_ms, private_key=KEYS[approver] if signed else None)
    return with_approval(made, approval)


def published(made: Proposal, number: int = 1, previous: str = NO_HASH, at_ms: int = NOW) -> Link:
    return linked(publication_of(made, at_ms), number, previous)


def payload(element: ControlElement, *arguments: Any, **options: Any) -> bytes:
    return encode_link(published(proposal(element, *arguments, **options)))


def log_of(proposals: list[Proposal], at_ms: int = NOW) -> list[Link]:
    """A log in which each follows the one before it."""
    links: list[Link] = []
    for number, made in enumerate(proposals, start=1):
        links.append(published(made, number, links[-1].hash if links else NO_HASH, at_ms + number))
    return links
