"""Finding what a job can be restored from: a checkpoint or savepoint is complete when its _metadata file is there."""

from __future__ import annotations

from pathlib import Path

METADATA = "_metadata"
LEVELS = ("", "chk-*/", "*/chk-*/")  # a checkpoint itself, a job's directory, the configured directory


def newest_checkpoint(directory: str) -> str | None:
    """The directory itself if it is a complete checkpoint or savepoint, else the newest complete checkpoint in it."""
    complete = [metadata for level in LEVELS for metadata in Path(directory).glob(level + METADATA)]
    if not complete:
        return None
    return str(max(complete, key=lambda metadata: metadata.stat().st_mtime_ns).parent)
