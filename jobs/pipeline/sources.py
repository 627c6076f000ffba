"""Registry of the sources by the `kind` of their configuration section."""

from __future__ import annotations

from typing import Any

from jobs.aws.kinesis_source import KinesisEvents
from jobs.config.job import Source
from jobs.kafka.source import KafkaEvents
from jobs.pipeline.event_source import EventSource, Records, SourceContext
from jobs.pipeline.file_source import FileEvents

SOURCES: dict[str, EventSource[Any]] = {
    "file": FileEvents(),
    "kafka": KafkaEvents(),
    "kinesis": KinesisEvents(),
}


def open_source(source: Source, context: SourceContext) -> Records:
    """Open the configured source: records keyed by user, in the source's order for each key."""
    return SOURCES[source.kind].open(source, context)
