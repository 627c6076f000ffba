"""What the `attributes` of an event or a profile may hold, and the form in which everybody finds them."""

from __future__ import annotations

import re
from typing import Final

MAX_ATTRIBUTES: Final = 16
MAX_TEXT_BYTES: Final = 64
NAME_PATTERN: Final = r"^[a-z][a-z0-9_]{0,31}$"
_NAME: Final = re.compile(NAME_PATTERN[1:-1], re.ASCII)
_known_names: Final[dict[str, str]] = {}
KNOWN_NAMES: Final = 1024


class BadAttribute(ValueError):
    """An attribute that is not allowed; the message names it and says why."""


def is_attribute_name(name: str) -> bool:
    """Is it a-z, then up to 31 of a-z, 0-9 and _?"""
    return _NAME.fullmatch(name) is not None


def is_attribute_value(value: object) -> bool:
    """May an attribute hold this?"""
    return value is None or isinstance(value, (str, float, int, bool))


def checked_attributes(values: dict[str, str | float | bool | None]) -> dict[str, str | float] | None:
    """The same without absent values (null and the empty text): texts without space around them, true and false as 1
    and 0. None where nothing is left.

    Raises BadAttribute for more than 16, a name that is none, a text of more than 64 bytes of UTF-8.
    """
    if len(values) > MAX_ATTRIBUTES:
        raise BadAttribute(f"attributes: {len(values)} of them, at most {MAX_ATTRIBUTES} are allowed")
    found: dict[str, str | float] = {}
    for name, value in values.items():
        own_name = _known_names.get(name)
        if own_name is None:
            own_name = _checked_name(name)
        if value is None:
            continue
        if isinstance(value, str):
            text = value.strip()
            if len(text) > MAX_TEXT_BYTES or not text.isascii():
                size = len(text.encode("utf-8", "surrogatepass"))
                if size > MAX_TEXT_BYTES:
                    raise BadAttribute(
                        f"attributes.{name}: {size} bytes of UTF-8, at most {MAX_TEXT_BYTES} are allowed"
                    )
            if text:
                found[own_name] = text
        else:
            found[own_name] = float(value)
    return found or None


def text_of(value: str | float) -> str:
    """An attribute's value as a text: a number without needless digits, so that 5, 5.0 and 5e0 are one text."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _checked_name(name: str) -> str:
    """The name as one text object that all events share; not more of them than KNOWN_NAMES are kept."""
    if not is_attribute_name(name):
        raise BadAttribute(f"attributes: {name[:64]!r} is no name (a-z, then up to 31 of a-z, 0-9 and _)")
    if len(_known_names) < KNOWN_NAMES:
        _known_names[name] = name
    return name
