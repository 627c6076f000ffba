"""The envelope of control elements: who wrote an element, who approved it, signatures, and its place in the log.

A record of the control stream is a bare element, a publication, which holds an element of any kind, or a late approval.
Publications and late approvals are linked: each names the hash of the one before it.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from udfs.control.canonical import canonical, canonical_json, content_hash
from udfs.control.elements import MAX_ELEMENT_BYTES, MAX_VALUE_BYTES, ControlElement, ControlError, decode_control
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.salvage import BYTE_ORDER_MARK
from udfs.rules.errors import one_line
from udfs.rules.rule_set import MAX_VERSION

PUBLICATION, LATE_APPROVAL = "publication", "approval"
MAX_RECORD_BYTES = MAX_ELEMENT_BYTES + 8_000
NO_HASH = "0" * 64
MAX_BACKTEST_LENGTH = 128

Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
TimeMs = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMESTAMP_MS)]
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)]
KeyId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Signature = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9+/]{86}==$")]


class Authorship(
    msgspec.Struct, tag_field="statement", tag="authorship", frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """`person` wrote the element of this content hash at `at_ms` (epoch milliseconds).

    `backtest`: id of the backtest that it rests on. `emergency`: without an approval it is in force for a day only.
    `key`: id of the signing key. `signature`: Ed25519 over `signed_bytes`, in base64.
    """

    person: str
    at_ms: TimeMs
    element_sha256: Hash
    backtest: str | None = None
    emergency: bool = False
    key: KeyId | None = None
    signature: Signature | None = None


class Approval(
    msgspec.Struct, tag_field="statement", tag="approval", frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """`person` approves the element of this content hash on the ground of this backtest; otherwise as Authorship."""

    person: str
    at_ms: TimeMs
    element_sha256: Hash
    backtest: str | None = None
    key: KeyId | None = None
    signature: Signature | None = None


Statement = Authorship | Approval


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An element with what was said about it, before it is published. `element`: JSON of any kind of element."""

    element: msgspec.Raw
    authorship: Authorship
    approval: Approval | None = None


class Publication(
    msgspec.Struct, tag_field="kind", tag=PUBLICATION, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """A published element. `number`, `previous`, `hash`: its place in the log (`linked`)."""

    element: msgspec.Raw
    authorship: Authorship
    approval: Approval | None = None
    published_at_ms: TimeMs
    number: Number
    previous: Hash
    hash: Hash = NO_HASH


class LateApproval(
    msgspec.Struct, tag_field="kind", tag=LATE_APPROVAL, frozen=True, forbid_unknown_fields=True, kw_only=True,
    omit_defaults=True,
):  # fmt: skip
    """The approval of an emergency publication: of the element of this key and version."""

    key: str
    version: Number
    approval: Approval
    published_at_ms: TimeMs
    number: Number
    previous: Hash
    hash: Hash = NO_HASH


Link = Publication | LateApproval


class ControlRecord(NamedTuple):
    """A record of the control stream. `element`: None of a late approval. `link`: None of a bare element."""

    element: ControlElement | None
    link: Link | None
    sha256: str


class _Kind(msgspec.Struct):
    kind: str = ""


_kind_of = msgspec.json.Decoder(_Kind).decode
_decode_link = msgspec.json.Decoder(Publication | LateApproval).decode
_decode_proposals = msgspec.json.Decoder(list[Proposal]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def signed_bytes(statement: Statement) -> bytes:
    """What a signature is over: a line with the purpose and its version, then the canonical form without signature."""
    unsigned = msgspec.structs.replace(statement, signature=None)
    return b"fraud-control:1\n" + canonical(unsigned)


def element_hash(element: bytes) -> str:
    """The content hash of an element's JSON: of all of it, its version included. Raises ControlError."""
    return content_hash(_canonical_element(element))


def decode_record(payload: bytes) -> ControlRecord:
    """Decode and validate a record of the control stream. Signatures and approvals are not checked (see Authority).

    An element is read from the canonical form that its hash is of; a byte order mark, as editors write it before the first
    line of a file, is passed over. Raises ControlError, and nothing else for any bytes.
    """
    payload = payload.removeprefix(BYTE_ORDER_MARK)
    if _is_link(payload):
        if len(payload) > MAX_RECORD_BYTES:
            raise ControlError(f"{len(payload)} bytes, at most {MAX_RECORD_BYTES} are taken")
        link = _decoded_link(payload)
        if isinstance(link, LateApproval):
            check_statement(link.approval)
            return ControlRecord(None, link, link.approval.element_sha256)
        form = _canonical_element(bytes(link.element))
        for statement in (link.authorship, link.approval):
            if statement is not None:
                check_statement(statement)
        return ControlRecord(decode_control(form), link, content_hash(form))
    element = decode_control(payload)
    return ControlRecord(element, None, element_hash(payload))


def linked(link: Link, number: int, previous: str) -> Link:
    """The same record with its place in the log: the `number`-th, after the one with the hash `previous`."""
    placed = msgspec.structs.replace(link, number=number, previous=previous, hash=NO_HASH)
    return msgspec.structs.replace(placed, hash=link_hash(placed))


def link_hash(link: Link) -> str:
    """The hash of a linked record: over the canonical form of all but the hash itself."""
    return content_hash(canonical_json(_encode(msgspec.structs.replace(link, hash=NO_HASH))))


def encode_link(link: Link) -> bytes:
    """The record as one line of JSON, as on the control stream."""
    return _encode(link)


def encode_proposals(proposals: list[Proposal]) -> bytes:
    """The content of a proposal file."""
    return msgspec.json.format(_encode(proposals), indent=1) + b"\n"


def decode_proposals(payload: bytes) -> list[Proposal]:
    """Raises ControlError."""
    try:
        proposals: list[Proposal] = _decode_proposals(payload.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:
        raise ControlError(one_line(error).replace("`", "'")) from None
    for proposal in proposals:
        decode_control(_canonical_element(bytes(proposal.element)))
        for statement in (proposal.authorship, proposal.approval):
            if statement is not None:
                check_statement(statement)
    return proposals


def compact_element(element: bytes) -> msgspec.Raw:
    """The JSON of an element on one line, to be put into a proposal. Raises ControlError."""
    return msgspec.Raw(_canonical_element(element))


def _is_link(payload: bytes) -> bool:
    try:
        return _kind_of(payload).kind in (PUBLICATION, LATE_APPROVAL)
    except (ValueError, RecursionError):
        return False


def _decoded_link(payload: bytes) -> Link:
    try:
        link: Link = _decode_link(payload)
    except (ValueError, RecursionError) as error:
        raise ControlError(one_line(error).replace("`", "'")) from None
    return link


def _canonical_element(element: bytes) -> bytes:
    try:
        return canonical_json(element)
    except (ValueError, RecursionError) as error:
        raise ControlError(one_line(error).replace("`", "'")) from None


def check_person(person: str) -> None:
    """Raises ControlError for a name that is not one printable line."""
    if not (person.isprintable() and person.strip() and len(person.encode()) <= MAX_VALUE_BYTES):
        raise ControlError(f"person {one_line(person)!r} must be one printable line of at most {MAX_VALUE_BYTES} bytes")


def check_statement(statement: Statement) -> None:
    """Validate what the types cannot express. Raises ControlError."""
    check_person(statement.person)
    backtest = statement.backtest
    if backtest is not None and not (backtest.isprintable() and 0 < len(backtest) <= MAX_BACKTEST_LENGTH):
        raise ControlError(
            f"backtest {one_line(backtest)!r} must be the id of one: at most {MAX_BACKTEST_LENGTH} printable characters"
        )
    if (statement.key is None) != (statement.signature is None):
        raise ControlError(f"the {type(statement).__name__.lower()} needs both key and signature, or neither")
