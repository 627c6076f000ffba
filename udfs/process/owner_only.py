"""Files and folders that only their owner may read: outputs, checkpoints and logs hold personal data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

OTHERS = 0o077  # the umask: new files have mode 0600, new folders 0700


@contextmanager
def owner_only() -> Iterator[None]:
    """What this process and the processes that it starts create meanwhile is readable by its owner only."""
    previous = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(previous)
