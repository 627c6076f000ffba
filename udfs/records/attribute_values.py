"""Validation and normalisation of the `attributes` of an event or a profile."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

MAX_ATTRIBUTES: Final = 16
MAX_TEXT_BYTES: Final = 64
NAME_PATTERN: Final = r"^[a-z][a-z0-9_]{0,31}$"
_NAME: Final = re.compile(NAME_PATTERN[1:-1], re.ASCII)
_interned_names: Final[dict[str, str]] = {}
MAX_INTERNED_NAMES: Final = 1024


class BadAttribute(ValueError):
    """An invalid attribute; the message has its name and the cause."""


def is_attribute_name(name: str) -> bool:
    """Whether the name is a-z, followed by up to 31 of a-z, 0-9 and _."""
    return _NAME.fullmatch(name) is not None


def is_attribute_value(value: object) -> bool:
    """Whether an attribute may have this value: text, number, true, false or null."""
    return value is None or isinstance(value, (str, float, int, bool))


def checked_attributes(values: dict[str, str | float | bool | None]) -> dict[str, str | float] | None:
    """Validated attributes: texts stripped of white space, numbers and booleans as floats, without null and empty texts.
    None if none is left.

    Raises BadAttribute for more than 16 attributes, an invalid name, or a text of more than 64 bytes of UTF-8.
    """
    if len(values) > MAX_ATTRIBUTES:
        raise BadAttribute(f"attributes: {len(values)} of them, at most {MAX_ATTRIBUTES} are allowed")
    found: dict[str, str | float] = {}
    for name, value in values.items():
        own_name = _interned_names.get(name) or _checked_name(name)
        own_value = _checked_value(name, value)
        if own_value is not None:
            found[own_name] = own_value
    return found or None


def readable_attributes(
    values: dict[str, str | float | bool | None], drop: Callable[[str], None]
) -> dict[str, str | float] | None:
    """As `checked_attributes`, but invalid attributes, and all after the 16th, are dropped and told to `drop`."""
    found: dict[str, str | float] = {}
    for name, value in values.items():
        try:
            own_name = _interned_names.get(name) or _checked_name(name)
            own_value = _checked_value(name, value)
        except BadAttribute as bad:
            drop(str(bad))
            continue
        if own_value is not None and len(found) == MAX_ATTRIBUTES:
            drop(f"attributes: {len(values)} of them, at most {MAX_ATTRIBUTES} are allowed")
            break
        if own_value is not None:
            found[own_name] = own_value
    return found or None


def _checked_value(name: str, value: str | float | bool | None) -> str | float | None:
    """The value of an attribute, None for null and the empty text. Raises BadAttribute."""
    if not isinstance(value, str):
        return None if value is None else float(value)
    text = value.strip()
    if len(text) > MAX_TEXT_BYTES or not text.isascii():
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > MAX_TEXT_BYTES:
            raise BadAttribute(f"attributes.{name}: {size} bytes of UTF-8, at most {MAX_TEXT_BYTES} are allowed")
    return text or None


def text_of(value: str | float) -> str:
    """An attribute's value as text; a number in its shortest form, so that 5, 5.0 and 5e0 give the same text."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _checked_name(name: str) -> str:
    """Validate a name and intern it, up to MAX_INTERNED_NAMES different ones."""
    if not is_attribute_name(name):
        raise BadAttribute(f"attributes: {name[:64]!r} is no name (a-z, then up to 31 of a-z, 0-9 and _)")
    if len(_interned_names) < MAX_INTERNED_NAMES:
        _interned_names[name] = name
    return name
