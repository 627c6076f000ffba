"""How a message about a wrong name goes on: the closest right one, and all there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 40


def did_you_mean(wrong: str, allowed: Iterable[str]) -> str:
    """` (did you mean 'x'?)` or nothing, ignoring case and punctuation."""
    by_plain_form = {_plain(name): name for name in allowed}
    close = get_close_matches(_plain(wrong), by_plain_form, n=1, cutoff=0.6)
    return f" (did you mean {by_plain_form[close[0]]!r}?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """The names with commas, cut where there are too many to read."""
    names = list(names)
    rest = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum()) or name
