"""The temporary directory of a local run's JVM.

Flink, PyFlink and Java libraries leave files there when they are killed, so each run has its own directory, which the run
removes at its end, and the next run if it was killed.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "fraud-job-"
LOCK = "lock"


def make_temporary_directory(parent: Path | None = None) -> Path:
    """A new directory for this process, removed at its end. Removes those of this user's ended processes first.

    Raises OSError if it cannot be made.
    """
    parent = parent or Path(tempfile.gettempdir())
    remove_left_over(parent)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = os.open(directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)  # open as long as the process lives
    fcntl.flock(lock, fcntl.LOCK_EX)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def remove_left_over(parent: Path) -> None:
    """Remove the directories whose process has ended: nobody holds their lock. Those of other users are not touched."""
    for directory in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is another user's, or has just been removed
            if directory.lstat().st_uid == os.getuid() and _is_left_over(directory / LOCK):
                shutil.rmtree(directory, ignore_errors=True)


def _is_left_over(lock: Path) -> bool:
    """Whether the lock exists and nobody holds it; a directory without one is being made."""
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
