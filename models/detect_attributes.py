"""Which attributes of a bank's own occur in its data, and of which kind they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from models.event_files import Progress, lines_of, no_progress
from udfs.attribute_values import MAX_ATTRIBUTES
from udfs.attributes import Attribute, AttributeHolder
from udfs.codec import BadRecord, decode_event
from udfs.events import Transaction
from udfs.profiles import UserProfile

MARK = b'"attributes"'


def detect_attributes(
    events: Path, users: Path | None = None, progress: Progress = no_progress
) -> tuple[Attribute, ...]:
    """The attributes of a file of events and one of user profiles (users.jsonl), those of events first, by name.

    One is a number where all its values are numbers, else a text. If there are more than 16 names on events or on profiles
    (one record has at most that many), it is the 16 most frequent. Records that cannot be read have none.
    Raises EventFileError.
    """
    found = _attributes(_on_events(events, progress), "event")
    return found if users is None else found + _attributes(_on_profiles(users), "profile")


def _on_events(path: Path, progress: Progress) -> Iterable[dict[str, str | float]]:
    for line in lines_of(path, progress):
        if MARK not in line:  # most files have none: there is nothing to decode
            continue
        try:
            event = decode_event(line)
        except BadRecord:
            continue
        if isinstance(event, Transaction) and event.attributes is not None:
            yield event.attributes


def _on_profiles(path: Path) -> Iterable[dict[str, str | float]]:
    decode = msgspec.json.Decoder(UserProfile).decode
    for line in lines_of(path):
        if MARK not in line:
            continue
        try:
            attributes = decode(line).attributes
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if attributes is not None:
            yield attributes


def _attributes(held: Iterable[dict[str, str | float]], holder: AttributeHolder) -> tuple[Attribute, ...]:
    counts: dict[str, int] = {}
    texts: set[str] = set()
    for attributes in held:
        for name, value in attributes.items():
            counts[name] = counts.get(name, 0) + 1
            if isinstance(value, str):
                texts.add(name)
    most = sorted(counts, key=lambda name: (-counts[name], name))[:MAX_ATTRIBUTES]
    return tuple(Attribute(name, "text" if name in texts else "number", holder) for name in sorted(most))
