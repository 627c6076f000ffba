"""Parts of messages about unknown names: the closest valid name, and the list of valid names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 40


def did_you_mean(wrong: str, allowed: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or an empty text where no name is close; case and punctuation are ignored."""
    by_plain_form = {_plain(name): name for name in allowed}
    close = get_close_matches(_plain(wrong), by_plain_form, n=1, cutoff=0.6)
    return f" (did you mean {by_plain_form[close[0]]!r}?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """The names joined by commas, at most MAX_LISTED of them."""
    names = list(names)
    rest = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum()) or name
