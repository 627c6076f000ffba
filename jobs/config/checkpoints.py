"""Finds restore points on local disk. A checkpoint or savepoint is complete when its _metadata file exists."""

from __future__ import annotations

from pathlib import Path

METADATA = "_metadata"
LEVELS = ("", "chk-*/", "*/chk-*/")  # a checkpoint itself, a job's directory, the configured directory


def newest_checkpoint(directory: str) -> str | None:
    """Path of the newest complete checkpoint or savepoint: the directory itself, or one up to two levels below it.

    Returns None if there is none.
    """
    complete = [metadata for level in LEVELS for metadata in Path(directory).glob(level + METADATA)]
    if not complete:
        return None
    return str(max(complete, key=lambda metadata: metadata.stat().st_mtime_ns).parent)
