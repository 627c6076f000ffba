"""Any text as an id of 1 to 64 printable ASCII characters without spaces: stable, and never one id for two texts.

    Kuhn, Lang & Söhne  ->  Kuhn,%20Lang%20&%20S%C3%B6hne       percent-encoding where it fits; can be read back
    (a longer one)      ->  O'Reilly%20&%20Sons%20of%20%~5f0c…  its first characters, `%~`, 128 bits of BLAKE2 in hex

Percent signs are encoded too, so that a text that looks encoded meets no other; `%~` never stands in a percent-encoding,
so that no id of the first kind is one of the second. A text that is an id already, without a percent sign, stays as it is.
"""

from __future__ import annotations

import re
from hashlib import blake2b

MAX_LENGTH = 64
DIGEST_BYTES = 16
HASH_MARK = "%~"
PREFIX_LENGTH = MAX_LENGTH - len(HASH_MARK) - 2 * DIGEST_BYTES
_PLAIN = re.compile(r"[!-$&-~]{1,64}", re.ASCII)  # printable ASCII but the space and the percent sign


def encode_identifier(text: str) -> str:
    """The id of a text; different texts have different ids (but for a collision of 128-bit hashes).

    Raises ValueError for the empty text.
    """
    if _PLAIN.fullmatch(text):
        return text
    if not text:
        raise ValueError("an empty text is no id")
    characters = [_escaped(character) for character in text]
    encoded = "".join(characters)
    if len(encoded) <= MAX_LENGTH:
        return encoded
    return _readable_start(characters) + HASH_MARK + blake2b(_bytes(text), digest_size=DIGEST_BYTES).hexdigest()


def decode_identifier(encoded: str) -> str | None:
    """The text of an id that `encode_identifier` made; None where it holds a hash, which cannot be read back."""
    if HASH_MARK in encoded:
        return None
    content = bytearray()
    place = 0
    while place < len(encoded):
        if encoded[place] == "%":
            content.append(int(encoded[place + 1 : place + 3], 16))
            place += 3
        else:
            content.append(ord(encoded[place]))
            place += 1
    return content.decode("utf-8", "surrogatepass")


def _escaped(character: str) -> str:
    return character if _PLAIN.fullmatch(character) else "".join(f"%{byte:02X}" for byte in _bytes(character))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a surrogate pair is a text too


def _readable_start(characters: list[str]) -> str:
    """As many whole characters from the start as have room before the hash."""
    length = 0
    for count, character in enumerate(characters):
        length += len(character)
        if length > PREFIX_LENGTH:
            return "".join(characters[:count])
    raise AssertionError("a text that is hashed is longer than its start")
