"""Inputs of the commands that read decisions: files, folders of the files sink, standard input, a Kafka topic."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cli.errors import UserError
from cli.scoring_run import OUTPUT_FILES

if TYPE_CHECKING:
    from jobs.config.kafka import KafkaSink

STANDARD_INPUT = Path("-")
GZIP_MAGIC = b"\x1f\x8b"


class DecisionLine(NamedTuple):
    """One line or record; `place` is its location for error messages."""

    place: str
    value: bytes


def decision_files(paths: Iterable[Path]) -> list[Path]:
    """The given files; for a run's folder its decisions.jsonl, for a files sink's folder its finished files.

    Raises UserError for a folder without any.
    """
    return [file for path in paths for file in (_finished_files(path) if path.is_dir() else [path])]


def _finished_files(folder: Path) -> list[Path]:
    """The finished files of a run's folder, of a sink's folder, or of `decisions` in it."""
    collected = folder / OUTPUT_FILES["decisions"]
    if collected.is_file():
        return [collected]
    inner = folder / "decisions"
    source = inner if inner.is_dir() else folder
    parts = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith("."))
    if not parts:
        raise UserError(f"{source}: no finished files; the sink finishes them at a checkpoint or the end of the input")
    return parts


def lines_of_files(files: Iterable[Path]) -> Iterator[DecisionLine]:
    """The non-blank lines of JSON Lines files, plain or gzip; `-` is standard input. Raises UserError."""
    for file in files:
        name = "standard input" if file == STANDARD_INPUT else str(file)
        number = 0
        try:
            with _opened(file) as lines:
                for number, line in enumerate(lines, start=1):
                    if not line.isspace():
                        yield DecisionLine(f"{name}, line {number}", line)
        except EOFError:
            raise UserError(f"{name}: truncated gzip data in line {number + 1}") from None
        except OSError as error:  # includes gzip.BadGzipFile, which has no errno
            raise UserError(f"{name}: cannot be read: {error.strerror or error}") from None
        except zlib.error as error:
            raise UserError(f"{name}: cannot be read: {error}") from None


def _opened(file: Path) -> io.BufferedIOBase:
    """Detects gzip by content: the part files of a files sink have no `.gz` suffix."""
    raw = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer)) if file == STANDARD_INPUT else file.open("rb")
    if raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
        return gzip.open(raw)
    return raw


def records_of_topic(sink: KafkaSink, topic: str, last: int | None) -> Iterator[DecisionLine]:
    """The committed records of a topic up to its present end, or the newest `last` of each partition.

    Raises UserError if the brokers cannot be reached or the topic does not exist.
    """
    from kafka.errors import KafkaError

    from jobs.config.errors import ConfigError
    from jobs.kafka.administration import administration
    from jobs.kafka.reading import newest_records

    try:
        with administration(sink.connection):  # raises ConfigError with the cause if the connection fails
            pass
        for record in newest_records(sink, topic, last if last is not None else sys.maxsize, follow=False):
            place = f"{topic}, partition {record.partition}, offset {record.offset}"
            yield DecisionLine(place, record.value or b"")
    except ConfigError as error:
        raise UserError(str(error)) from None
    except KafkaError as error:
        raise UserError(f"Kafka: {type(error).__name__}: {error}") from None
