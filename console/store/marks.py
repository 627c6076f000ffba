"""What a decision can be found by: its facts, which all indexes hold, and its marks, each an index of its own.

What most decisions have (the action allow, the lowest scores) has no mark: it is found soon in the order of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from udfs.records.outputs import ACTIONS, TAGS

FLAGS = ("AML", "KYC", "PCI", "AUDIT")
BAND = 50
"""Width of a score band, in points of the risk score."""
HIGHEST_SCORE = 1_000
LONGEST_WORD = 64
MOST_WORDS = 2_000
"""Of one decision."""
_WORD = re.compile(r"[^\W_]+")


class Facts(NamedTuple):
    """In the order of tables.FACTS. `bundle` is its number in the table of bundles."""

    risk_score: int
    action: int
    flag_bits: int
    tag_bits: int
    bundle: int


def action_number(action: str) -> int:
    """-1 for an action that this version does not know."""
    return ACTIONS.index(action) if action in ACTIONS else -1


def bits_of(names: Iterable[str], known: Sequence[str]) -> int:
    """Bit i for known[i]. Names of later versions have none: they are found by their marks only."""
    return sum(1 << known.index(name) for name in set(names) if name in known)


def flag_bits(flags: Iterable[str]) -> int:
    return bits_of(flags, FLAGS)


def tag_bits(tags: Iterable[str]) -> int:
    return bits_of(tags, TAGS)


def marks_of(
    action: str, risk_score: int, bundle: str, hits: Iterable[str], flags: Iterable[str], tags: Iterable[str]
) -> list[tuple[str, str]]:
    """(kind, value) of each mark."""
    found = [("bundle", bundle)]
    found += [("rule", hit) for hit in dict.fromkeys(hits)]
    found += [("flag", flag) for flag in dict.fromkeys(flags)]
    found += [("tag", tag) for tag in dict.fromkeys(tags)]
    if action != "allow":
        found.append(("action", action))
    if risk_score >= BAND:
        found.append(("band", str(risk_score // BAND)))
    return found


def words_of(*texts: str | None) -> list[str]:
    """The different words of the texts, in lower case: runs of letters and digits. Both databases limit their length."""
    found = (word[:LONGEST_WORD] for text in texts if text for word in _WORD.findall(text.lower()))
    return list(dict.fromkeys(found))[:MOST_WORDS]
