"""Rows of buckets for tests."""

from __future__ import annotations

from udfs.entities.buckets import FOR_EVER_MS, BucketRow, EntityKind


def empty_row(kind: EntityKind) -> BucketRow:
    """The row of an entity without events, in a store that is complete for ever."""
    return BucketRow(
        entity=kind, id="", complete_through_ms=FOR_EVER_MS, first_hour=None, hours=[], transactions=[], frauds=[],
        users_1d=[], users_7d=[],
    )  # fmt: skip
