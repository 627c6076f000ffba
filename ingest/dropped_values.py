"""Values that could not be read and left their field absent: the row is kept, the value is told."""

from __future__ import annotations

from typing import NamedTuple

from ingest.errors import RowError


class DroppedValue(NamedTuple):
    """What of a row was dropped, `field` or its whole label, and the error that says why."""

    field: str
    error: RowError


LABEL = "label"
LABEL_FIELDS = ("label.is_fraud", "label.known_at")
"""Fields without which there is no label."""
