"""The custom attributes of a history, which a bundle trained on it declares."""

from __future__ import annotations

from pathlib import Path

from models.detect_attributes import detect_attributes
from models.event_files import Progress, no_progress
from udfs.records.attributes import Attribute
from udfs.stores.reference_rows import USERS_FILE


def found_attributes(events: Path, reference: Path | None, progress: Progress = no_progress) -> tuple[Attribute, ...]:
    """Attributes of a file of events and of a reference folder's profiles, sorted by name.

    A name that occurs in both is an attribute of events.

    Raises EventFileError.
    """
    users = None if reference is None else reference / USERS_FILE.name
    detected = detect_attributes(events, users if users is not None and users.is_file() else None, progress)
    found: dict[str, Attribute] = {}
    for attribute in detected:  # attributes of events come first
        found.setdefault(attribute.name, attribute)
    return tuple(found[name] for name in sorted(found))
