"""The events of a decision store as a file, for as long as a command reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.console_keys import opened
from cli.errors import UserError
from cli.progress import progress_bar


@contextmanager
def store_events(url: str) -> Iterator[Path]:
    """A file of the store's events, in the order of their times. Raises UserError where it has none."""
    from console.store.all_events import write_events

    with TemporaryDirectory(prefix="fraud-events-") as folder:
        file = Path(folder) / "events.jsonl"
        with opened(url) as store, progress_bar("reading events of the store") as progress:
            try:
                written = write_events(store.database, file, progress)
            except OSError as error:
                raise UserError(f"{file}: {error.strerror}; TMPDIR names another folder") from None
        if not written:
            raise UserError("the store has no events")
        yield file
