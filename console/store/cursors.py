"""Opaque cursors: where a page ended, by time and id."""

from __future__ import annotations

import base64
import binascii

import msgspec

from console.store.errors import CursorError

Place = tuple[int | str, ...]


def cursor_of(listing: str, place: Place) -> str:
    """The cursor after a place of a listing."""
    return base64.urlsafe_b64encode(msgspec.json.encode([listing, *place])).decode().rstrip("=")


def place_of(listing: str, cursor: str | None, kinds: tuple[type, ...]) -> Place | None:
    """The place, of values of these kinds; None for the beginning. Raises CursorError."""
    if cursor is None:
        return None
    try:
        name, *place = msgspec.json.decode(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True), type=list
        )
    except (binascii.Error, ValueError, UnicodeError, RecursionError):
        raise _no_cursor() from None
    fits = len(place) == len(kinds) and all(type(one) is kind for one, kind in zip(place, kinds, strict=True))
    if name != listing or not fits or any(isinstance(one, int) and abs(one) >= 1 << 62 for one in place):
        raise _no_cursor()
    if any(isinstance(one, str) and not one.isprintable() and one != HIGHEST_ID for one in place):
        raise _no_cursor()
    return tuple(place)


HIGHEST_ID = "\x7f"
"""Above all ids, which are printable ASCII."""


def _no_cursor() -> CursorError:
    return CursorError("cursor: not one of this listing; give the next_cursor of its last page, or none")
