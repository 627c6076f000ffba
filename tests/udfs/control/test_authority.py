"""Which records of the control stream a job takes: signatures, approvals, and what was changed after them."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from tests.udfs.control.signers import KEYS, NOW, payload, proposal, published, thresholds, trusting
from udfs.control.authority import Authority, AuthoritySettings, NotAuthorised
from udfs.control.canonical import canonical_json
from udfs.control.elements import BlockListControl, ControlError, encode_control
from udfs.control.envelope import Publication, decode_record, encode_link, signed_bytes
from udfs.control.signing import trusted_key

SIGNED = Authority(trusting("alice", "bob", "console"))
APPROVED = Authority(trusting("alice", "bob", "console", approvals_required=True, approvals_except=("block-list",)))
BY_NAME = Authority(AuthoritySettings(approvals_required=True))


def refusal(authority: Authority, record: bytes) -> str:
    with pytest.raises(NotAuthorised) as refused:
        authority.check(decode_record(record))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def changed(record: bytes, **fields: Any) -> bytes:
    """The record with other values at paths like `authorship__person`, as someone with a text editor makes it."""
    tree = json.loads(record)
    for path, value in fields.items():
        *parents, name = path.split("__")
        inner = tree
        for parent in parents:
            inner = inner[parent]
        inner[name] = value
    return json.dumps(tree).encode()


def test_a_signed_element_is_taken_and_a_bare_or_foreign_one_is_not() -> None:
    element = thresholds(1)
    assert SIGNED.check(decode_record(payload(element))) is None
    assert refusal(SIGNED, encode_control(element)) == "thresholds version 1 is not signed"
    assert refusal(SIGNED, payload(element, signed=False)) == "the author alice did not sign"
    assert refusal(SIGNED, payload(element, "mallory")).endswith("which is not trusted")
    assert Authority.without_keys().check(decode_record(encode_control(element))) is None


def test_the_signature_is_that_of_an_independent_reading_of_the_documentation() -> None:
    """docs/control.md: a line with the purpose, then the statement as JSON with sorted keys and no blanks."""
    made = proposal(thresholds(7), backtest="b-1")
    statement = json.loads(msgspec.json.encode(made.authorship))
    signature = statement.pop("signature")
    element = json.dumps(json.loads(bytes(made.element)), sort_keys=True, separators=(",", ":")).encode()
    assert statement["element_sha256"] == sha256(element).hexdigest()
    text = b"fraud-control:1\n" + json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    import base64

    KEYS["alice"].public_key().verify(base64.b64decode(signature), text)
    with pytest.raises(InvalidSignature):
        KEYS["bob"].public_key().verify(base64.b64decode(signature), text)
    assert signed_bytes(made.authorship) == text


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_the_canonical_form_is_the_standard_librarys_with_sorted_keys(value: Any) -> None:
    form = canonical_json(json.dumps(value, indent=2).encode())
    assert json.loads(form) == value
    assert canonical_json(form) == form
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if all(ord(" ") <= ord(character) != 0x7F for character in text):
        assert form.decode() == text


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"element__hard_block": 1000}, "thresholds version 1 was changed after its author wrote it"),
        ({"element__version": 2}, "thresholds version 2 was changed after its author wrote it"),
        ({"element__note": "x"}, "thresholds version 1 was changed after its author wrote it"),
        ({"authorship__person": "bob"}, "key [0-9a-f]{16} is of alice, not of the author bob"),
        ({"authorship__at_ms": NOW + 1}, "the signature of the author alice is wrong"),
        ({"authorship__emergency": True}, "the signature of the author alice is wrong"),
        ({"authorship__backtest": "b2"}, "the signature of the author alice is wrong"),
        ({"approval__person": "carol"}, "key [0-9a-f]{16} is of bob, not of the approver carol"),
        ({"approval__at_ms": NOW + 1}, "the signature of the approver bob is wrong"),
        ({"approval__backtest": "b2"}, "the approval is of backtest b2, the element rests on backtest none"),
        ({"approval__element_sha256": "0" * 64}, "the approval is of another content: the element was changed"),
    ],
)
def test_whatever_is_changed_after_it_was_signed_is_refused(fields: dict[str, Any], reason: str) -> None:
    import re

    record = payload(thresholds(1), approver="bob")
    assert APPROVED.check(decode_record(record)) is None
    assert re.match(reason, refusal(APPROVED, changed(record, **fields)))


def test_an_element_with_two_values_of_a_key_is_the_one_that_was_signed() -> None:
    record = payload(thresholds(1)).replace(b'"hard_block":900', b'"hard_block":1000,"hard_block":900')
    taken = decode_record(record)
    assert SIGNED.check(taken) is None
    assert taken.element == thresholds(1)
    record = payload(thresholds(1)).replace(b'"hard_block":900', b'"hard_block":900,"hard_block":1000')
    assert "was changed" in refusal(SIGNED, record)


def test_author_and_approver_are_two_people() -> None:
    with pytest.raises(NotAuthorised, match=r"^author and approver are the same person, alice$"):
        proposal(thresholds(1), approver="alice")
    record = payload(thresholds(1), approver="bob", signed=False)
    assert BY_NAME.check(decode_record(record)) is None
    for same in ("alice", "Alice", " ALICE "):
        assert refusal(BY_NAME, changed(record, approval__person=same)).startswith("author and approver are the same")
    assert refusal(BY_NAME, payload(thresholds(1), signed=False)) == "thresholds version 1 has no approval"
    assert refusal(BY_NAME, encode_control(thresholds(1))) == "thresholds version 1 has no approval"


def test_a_stale_approval_put_on_a_changed_element_is_refused() -> None:
    approved = proposal(thresholds(1), approver="bob")
    again = msgspec.structs.replace(proposal(thresholds(1, block=1000)), approval=approved.approval)
    assert refusal(APPROVED, encode_link(published(again))).startswith("the approval is of another content")


def test_kinds_can_be_left_out_and_a_console_speaks_for_its_callers() -> None:
    block = BlockListControl(version=1, type="user", value="U1")
    assert APPROVED.check(decode_record(payload(block))) is None
    assert refusal(APPROVED, payload(thresholds(1))) == "thresholds version 1 has no approval"
    from jobs.control.publishing import approval_of, proposal_of, with_approval

    made = proposal_of(encode_control(thresholds(1)), "carol", NOW, "b1", private_key=KEYS["console"])
    by_dave = with_approval(made, approval_of(made.authorship, "dave", NOW, "b1", KEYS["console"]))
    assert APPROVED.check(decode_record(encode_link(published(by_dave)))) is None
    by_key_of_alice = proposal_of(encode_control(thresholds(1)), "carol", NOW, private_key=KEYS["alice"])
    assert "is of alice" in refusal(SIGNED, encode_link(published(by_key_of_alice)))


def test_an_emergency_ends_a_day_after_it_was_written_unless_approved() -> None:
    assert APPROVED.check(decode_record(payload(thresholds(1), emergency=True))) == NOW + 86_400_000
    assert APPROVED.check(decode_record(payload(thresholds(1), approver="bob", emergency=True))) is None


@given(st.binary(max_size=300) | st.builds(lambda tail: b'{"kind":"publication"' + tail, st.binary(max_size=80)))
def test_no_bytes_do_more_than_be_refused(record: bytes) -> None:
    try:
        SIGNED.check(decode_record(record))
    except ControlError:
        return
    raise AssertionError("taken")


@pytest.mark.parametrize("text", ["", "alice", "alice AAAA", f"{'A' * 43}=", f"a\nb {'!' * 43}="])
def test_a_trusted_key_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ControlError, match="is not a trusted key: give PERSON PUBLIC-KEY"):
        trusted_key(text)


def test_a_publication_of_any_kind_keeps_its_element() -> None:
    link = decode_record(payload(BlockListControl(version=3, type="ip", value="10.0.0.1"))).link
    assert isinstance(link, Publication)
    assert json.loads(bytes(link.element)) == {"kind": "block-list", "version": 3, "type": "ip", "value": "10.0.0.1"}
