"""Registry of the sinks by the `kind` of their configuration section.

The operator emits one stream of rows (topic, key, value, headers); sinks filter it by topic in the JVM.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs.aws.sns_sink import SnsAlerts
from jobs.config.job import Sink
from jobs.kafka.sink import KafkaOutputs
from jobs.pipeline.console_sink import ConsoleLines
from jobs.pipeline.discard_sink import Discarded
from jobs.pipeline.files_sink import OutputFiles
from jobs.pipeline.output_sink import Outputs, OutputSink
from udfs.metrics.names import MetricSettings
from udfs.records.dead_letter import DeadLetterFormat

SINKS: dict[str, OutputSink[Any]] = {
    "discard": Discarded(),
    "files": OutputFiles(),
    "kafka": KafkaOutputs(),
    "print": ConsoleLines(),
    "sns": SnsAlerts(),
}
OUTPUTS = "outputs"
REFUSED = "refused_alerts"


def add_sinks(
    sinks: tuple[Sink, ...],
    rows: DataStream,
    letters: DeadLetterFormat,
    metrics: MetricSettings,
    table_environment: StreamTableEnvironment,
    internal: tuple[str, ...] = (),
) -> None:
    """Connect the operator's rows to all sinks, with pinned uids.

    `internal`: topics of rows that no sink takes.

    Outputs rejected by a sink are written to the others by separate writers: a union with the scorer's rows would break
    operator chaining.
    """

    def with_view(stream: DataStream, view: str) -> Outputs:
        table_environment.create_temporary_view(view, table_environment.from_data_stream(stream))
        return Outputs(stream, view, letters, metrics, table_environment, internal)

    outputs = with_view(rows, OUTPUTS)
    with_roles = _with_roles(sinks)
    for sink, role in with_roles:
        refused = SINKS[sink.kind].write(sink, outputs, role)
        if refused is not None:
            letters_of_sink = with_view(refused, REFUSED)
            for other, other_role in with_roles:
                if other is not sink:
                    SINKS[other.kind].write_refused(other, letters_of_sink, f"{other_role}-refused")


def _with_roles(sinks: tuple[Sink, ...]) -> list[tuple[Sink, str]]:
    """Each sink with the prefix of its uids: `sink-KIND`, numbered from the second one of a kind."""
    seen: Counter[str] = Counter()
    found: list[tuple[Sink, str]] = []
    for sink in sinks:
        seen[sink.kind] += 1
        found.append((sink, f"sink-{sink.kind}" + (f"-{seen[sink.kind]}" if seen[sink.kind] > 1 else "")))
    return found
