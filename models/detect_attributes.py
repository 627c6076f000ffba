"""Detects the custom attributes in a bank's data and their kinds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from models.event_files import Progress, lines_of, no_progress
from udfs.records.attribute_values import MAX_ATTRIBUTES
from udfs.records.attributes import Attribute, AttributeHolder
from udfs.records.codec import BadRecord, decode_event
from udfs.records.events import Transaction
from udfs.records.profiles import UserProfile

ATTRIBUTES_KEY = b'"attributes"'


def detect_attributes(
    events: Path, users: Path | None = None, progress: Progress = no_progress
) -> tuple[Attribute, ...]:
    """The attributes of a file of events and of a file of user profiles (users.jsonl), events first, sorted by name.

    The kind is number if all values are numbers, else text. Of more than 16 names on events or on profiles (the limit of
    one record) the 16 most frequent are returned. Invalid records are skipped. Raises EventFileError.
    """
    found = _attributes(_on_events(events, progress), "event")
    return found if users is None else found + _attributes(_on_profiles(users), "profile")


def _on_events(path: Path, progress: Progress) -> Iterable[dict[str, str | float]]:
    for line in lines_of(path, progress):
        if ATTRIBUTES_KEY not in line:  # avoids decoding lines without attributes
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
        if ATTRIBUTES_KEY not in line:
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
