"""Tells whether a control stream has grown, without reading it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from jobs.config.errors import ConfigError
from jobs.config.job import FileControl, NoControl
from jobs.config.kafka import KafkaControl
from jobs.control.channel import ChannelError

BROKER_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Watch(Protocol):
    """Of one control stream. Both methods block; used by one thread."""

    def mark(self) -> object:
        """Another value when records have been added. Raises ChannelError."""
        ...

    def close(self) -> None: ...


def watch_of(control: FileControl | KafkaControl | NoControl) -> Watch:
    """Raises ChannelError for a job without a control stream, and for missing credentials."""
    if isinstance(control, FileControl):
        return FileWatch(Path(control.path))
    if isinstance(control, KafkaControl):
        return KafkaWatch(control)
    raise ChannelError("the job has no control stream (control.kind is none)")


class FileWatch:
    """Names, sizes and times of the file, or of the directory's files."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> object:
        try:
            files = list(self._path.iterdir()) if self._path.is_dir() else [self._path]
            return frozenset((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
        except OSError as error:
            raise ChannelError(f"{self._path}: cannot be read: {error.strerror}") from None

    def close(self) -> None:
        return


class KafkaWatch:
    """First and last offset of the topic, asked over one connection that stays open."""

    def __init__(self, control: KafkaControl) -> None:
        from confluent_kafka import Consumer, TopicPartition

        from jobs.kafka.client import librdkafka_settings

        try:
            settings = librdkafka_settings(control.connection)
        except ConfigError as error:
            raise ChannelError(str(error)) from None
        self._topic = control.topic
        self._partition = TopicPartition(control.topic, 0)
        # The client wants a group; it is never joined.
        self._consumer = Consumer({**settings, "group.id": "fraud-control", "enable.auto.commit": False}, logger=_log)

    def mark(self) -> object:
        from confluent_kafka import KafkaException

        try:
            return self._consumer.get_watermark_offsets(self._partition, timeout=BROKER_SECONDS)
        except KafkaException as error:
            raise ChannelError(f"topic {self._topic}: {error.args[0].str()}") from None

    def close(self) -> None:
        self._consumer.close()
