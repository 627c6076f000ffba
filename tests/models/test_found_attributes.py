"""Detection of custom attributes in events and profiles, by name, kind and holder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.found_attributes import found_attributes
from udfs.records.attributes import Attribute


def write(folder: Path, events: list[dict[str, Any]], profiles: list[dict[str, Any]]) -> tuple[Path, Path]:
    path, reference = folder / "events.jsonl", folder / "reference"
    reference.mkdir()
    lines = [
        {"transaction_id": f"T{number}", "user_id": "U1", "timestamp": 1_767_225_600_000, "amount": 5.0, **event}
        for number, event in enumerate(events)
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"attributes": broken\n')
    rows = [{"user_id": f"U{number}", **profile} for number, profile in enumerate(profiles)]
    (reference / "users.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return path, reference


def test_kinds_and_holders(tmp_path: Path) -> None:
    events = [{"attributes": {"card_type": "gold", "branch": 7, "mixed": 1}}, {}, {"attributes": {"mixed": "one"}}]
    profiles = [{"attributes": {"gender": "F", "population": 12_000, "card_type": "gold", "is_staff": True}}, {}]
    assert found_attributes(*write(tmp_path, events, profiles)) == (
        Attribute("branch", "number", "event"),
        Attribute("card_type", "text", "event"),
        Attribute("gender", "text", "profile"),
        Attribute("is_staff", "number", "profile"),
        Attribute("mixed", "text", "event"),
        Attribute("population", "number", "profile"),
    )


def test_no_attributes_without_values_or_profiles(tmp_path: Path) -> None:
    events, reference = write(tmp_path, [{}], [{}])
    assert found_attributes(events, reference) == ()
    assert found_attributes(events, None) == ()
