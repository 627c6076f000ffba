"""Encodes any text as an id of 1 to 64 printable ASCII characters without spaces; deterministic and collision-free.

    Kuhn, Lang & Söhne  ->  Kuhn,%20Lang%20&%20S%C3%B6hne       percent-encoded where the result fits; decodable
    (longer texts)      ->  O'Reilly%20&%20Sons%20of%20%~5f0c…  first characters, `%~`, 128 bits of BLAKE2 in hex

Percent signs are encoded too, so that a text that looks encoded cannot collide with an encoded one. `%~` never occurs in
a percent-encoding, so that the two forms cannot collide either. A valid id without a percent sign is returned unchanged.
"""

from __future__ import annotations

import re
from hashlib import blake2b

MAX_LENGTH = 64
DIGEST_BYTES = 16
HASH_MARK = "%~"
PREFIX_LENGTH = MAX_LENGTH - len(HASH_MARK) - 2 * DIGEST_BYTES
_PLAIN = re.compile(r"[!-$&-~]{1,64}", re.ASCII)  # printable ASCII except space and percent sign


def encode_identifier(text: str) -> str:
    """The id of a text; different texts have different ids, up to collisions of 128-bit hashes.

    Raises ValueError for the empty text.
    """
    if _PLAIN.fullmatch(text):
        return text
    if not text:
        raise ValueError("an empty text cannot be encoded as an id")
    characters = [_escaped(character) for character in text]
    encoded = "".join(characters)
    if len(encoded) <= MAX_LENGTH:
        return encoded
    return _readable_start(characters) + HASH_MARK + blake2b(_bytes(text), digest_size=DIGEST_BYTES).hexdigest()


def decode_identifier(encoded: str) -> str | None:
    """The text of an id from `encode_identifier`; None for a hashed one, which cannot be decoded."""
    if HASH_MARK in encoded:
        return None
    content = bytearray()
    position = 0
    while position < len(encoded):
        if encoded[position] == "%":
            content.append(int(encoded[position + 1 : position + 3], 16))
            position += 3
        else:
            content.append(ord(encoded[position]))
            position += 1
    return content.decode("utf-8", "surrogatepass")


def _escaped(character: str) -> str:
    return character if _PLAIN.fullmatch(character) else "".join(f"%{byte:02X}" for byte in _bytes(character))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # texts may contain lone surrogates


def _readable_start(characters: list[str]) -> str:
    """The longest run of whole encoded characters that fits before the hash."""
    length = 0
    for count, character in enumerate(characters):
        length += len(character)
        if length > PREFIX_LENGTH:
            return "".join(characters[:count])
    raise AssertionError("only texts longer than PREFIX_LENGTH are hashed")
