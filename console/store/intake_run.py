"""Reads the files of a scored run: decisions, alerts, flags, dead letters, and the events that were scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from console.store.errors import SourceChanged
from console.store.intake import BatchMaker, Kind, Place
from console.store.store import DecisionStore

LINES_A_BATCH = 4_000
RUN_FILES: tuple[tuple[str, Kind], ...] = (
    ("decisions.jsonl", "decisions"),
    ("alerts.jsonl", "alerts"),
    ("flags.jsonl", "flags"),
    ("dead_letters.jsonl", "dead-letters"),
)
FACTS = "run.json"
Progress = Callable[[int, int], None]


class RunError(Exception):
    """The folder is no run, or its files cannot be read; the message says what to do."""


class _Facts(msgspec.Struct):
    events: str | None = None


class _File(NamedTuple):
    path: Path
    kind: Kind
    source: str
    size: int
    recorded_ms: int


def read_run(
    store: DecisionStore, directory: Path, events: Path | None = None, progress: Progress | None = None
) -> int:
    """Read what is not in the store yet; returns the number of lines. `events`: by default the file that run.json names.

    A run that was read to its end costs one look at each file. `progress` gets (bytes done, bytes). Raises RunError,
    SourceChanged if the run was scored again since, and StoreUnavailable.
    """
    if not (directory / RUN_FILES[0][0]).is_file():
        raise RunError(f"{directory}: no run: it has no {RUN_FILES[0][0]}; `fraud score` or `fraud demo` makes one")
    files = [file for name, kind in RUN_FILES if (file := _file(directory / name, kind)) is not None]
    events = events or _scored_events(directory)
    if events is not None and (file := _file(events, "events")) is not None:
        files.append(file)
    _check_unchanged(store, files)
    total, done, lines = sum(file.size for file in files), 0, 0
    for file in files:
        offset = store.position(file.source).get(0, 0)
        maker = BatchMaker()
        try:
            for count, end in _read(file, offset, maker):
                store.write(maker.take())
                lines += count
                if progress is not None:
                    progress(done + end, total)
        except OSError as error:
            raise RunError(f"{file.path}: cannot be read: {error.strerror}") from None
        done += file.size
    if progress is not None:
        progress(total, total)
    return lines


def _read(file: _File, offset: int, maker: BatchMaker) -> Iterator[tuple[int, int]]:
    """Fills the maker; yields (lines, end in bytes) of each batch. Each must be taken before the next."""
    with file.path.open("rb") as lines:
        lines.seek(offset)
        count = 0
        for line in lines:
            place = Place(file.source, 0, offset, file.recorded_ms)
            offset += len(line)
            count += 1
            if not line.isspace():
                maker.add(file.kind, line.rstrip(b"\r\n"), place)
            if count == LINES_A_BATCH:
                maker.go_to(file.source, 0, offset)
                yield count, offset
                count = 0
        if count or offset == 0:
            maker.go_to(file.source, 0, offset)
            yield count, offset


def _file(path: Path, kind: Kind) -> _File | None:
    """None if it is not there. The source's name tells whether it was written again since."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    source = f"run:{path.resolve()}#{stat.st_size}-{stat.st_mtime_ns}"
    return _File(path, kind, source, stat.st_size, stat.st_mtime_ns // 1_000_000)


def _scored_events(directory: Path) -> Path | None:
    """The file that run.json names, if both are there."""
    try:
        named = msgspec.json.decode((directory / FACTS).read_bytes(), type=_Facts).events
    except (OSError, msgspec.MsgspecError):
        return None
    if named is None:
        return None
    return next((path for path in (Path(named), directory / named) if path.is_file()), None)


def _check_unchanged(store: DecisionStore, files: list[_File]) -> None:
    known = {source.rpartition("#")[0]: source for source in store.sources() if source.startswith("run:")}
    for file in files:
        earlier = known.get(file.source.rpartition("#")[0], file.source)
        if earlier != file.source:
            raise SourceChanged(
                f"{file.path}: was written again since the store has read it; "
                "`fraud console store rebuild` reads all of it anew"
            )
