"""Erases a user from the log of an embedded scorer that does not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from console.answers.embedded_log import EmbeddedLog

SEARCHED_AT_ONCE = 20_000
Progress = Callable[[int, int], None]


def erase_from_log(path: Path, user_id: str, progress: Progress = lambda done, total: None) -> int:
    """Remove state, answers and records of a user, and write the file anew; returns the number of records.

    Goes on with erasures that were not finished, too. `progress` gets (records looked at, all).

    Raises EmbeddedLogError, also while a scorer has the log open.
    """
    log = EmbeddedLog(path)
    try:
        log.overwrite_removed()
        log.set_current_key(user_id)
        log.clear()
        log.begin_erasure(user_id)
        log.commit()
        removed, total = 0, 0
        while (part := log.erase_some(SEARCHED_AT_ONCE)) is not None:
            log.commit()
            removed += part.removed if part.user_id == user_id else 0
            total = max(total, part.left + SEARCHED_AT_ONCE)
            progress(total - part.left, total)
        log.rewrite()
        return removed
    finally:
        log.close()
