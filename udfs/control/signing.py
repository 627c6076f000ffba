"""Ed25519 signatures of statements: private keys sign, trusted keys verify. Keys are read and written elsewhere."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

import msgspec

from udfs.control.elements import ControlError
from udfs.control.envelope import Approval, Authorship, Statement, check_person, signed_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOR_OTHERS = "for-others"
_PUBLIC_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
Said = TypeVar("Said", Authorship, Approval)


class TrustedKey(msgspec.Struct, frozen=True):
    """A public key that a job trusts, and the person whose it is. `for_others`: it may name other persons, as the console
    does for those who called it."""

    person: str
    public_key: str
    for_others: bool = False

    @property
    def key_id(self) -> str:
        return key_id(self.public_key)


def trusted_key(text: str) -> TrustedKey:
    """Of `PERSON PUBLIC-KEY` or `PERSON PUBLIC-KEY for-others`, as `fraud control keygen` prints it. Raises ControlError."""
    words = text.split()
    for_others = len(words) > 2 and words[-1] == FOR_OTHERS
    if for_others:
        words.pop()
    if len(words) < 2 or not _PUBLIC_KEY.fullmatch(words[-1]):
        raise ControlError(
            f"{text!r} is not a trusted key: give PERSON PUBLIC-KEY, as `fraud control keygen` prints it, with "
            f"{FOR_OTHERS} at the end for the key of a console"
        )
    person = " ".join(words[:-1])
    check_person(person)
    return TrustedKey(person, words[-1], for_others)


def key_id(public_key: str) -> str:
    """The id of a public key (base64 of its 32 bytes): the first 16 digits of its SHA-256."""
    return sha256(b64decode(public_key)).hexdigest()[:16]


def public_key_of(private_key: Ed25519PrivateKey) -> str:
    """The public key in base64."""
    return b64encode(private_key.public_key().public_bytes_raw()).decode()


def signed(statement: Said, private_key: Ed25519PrivateKey) -> Said:
    """The statement with key id and signature."""
    named = msgspec.structs.replace(statement, key=key_id(public_key_of(private_key)), signature=None)
    signature = b64encode(private_key.sign(signed_bytes(named))).decode()
    return msgspec.structs.replace(named, signature=signature)


def is_signed_by(statement: Statement, key: TrustedKey) -> bool:
    """Whether the statement's signature is one of this key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if statement.signature is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(b64decode(key.public_key)).verify(
            b64decode(statement.signature), signed_bytes(statement)
        )
    except InvalidSignature:
        return False
    return True
