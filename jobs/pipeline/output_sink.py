"""Port of output sinks."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from udfs.metrics.names import MetricSettings
from udfs.records.dead_letter import DeadLetterFormat

Section = TypeVar("Section", contravariant=True)


class Outputs(NamedTuple):
    """Rows (topic, key, value, headers), as a stream and as a SQL view.

    `topic`: one of udfs.records.outputs.DESTINATIONS, or one of `internal`, which no sink takes.
    `value`: the output's bytes. `headers`: only of dead letters that are not in JSON form (`letters`), and of replies.
    """

    rows: DataStream
    view: str
    letters: DeadLetterFormat
    metrics: MetricSettings
    table_environment: StreamTableEnvironment
    internal: tuple[str, ...] = ()


class OutputSink(Protocol[Section]):
    """One kind of sink. Both methods are called in the client, while the job's graph is built: `write` once for each
    sink of the configuration, in its order; `write_refused` after the `write` of a sink that refuses outputs, for every
    other one.

    Every row of the topics that a sink takes must be delivered at least once: when a checkpoint completes, all rows before
    it are delivered or in the sink's state. During an outage of the destination the sink blocks the job (backpressure) and
    fails it after a timeout of its own; it never drops a row. All operators of a sink have uids pinned under `role`, which
    is unique among the sinks. Neither method may block on a server; both raise Flink's exceptions for invalid options.
    """

    def write(self, sink: Section, outputs: Outputs, role: str) -> DataStream | None:
        """Connect the scorer's rows with the sink of a configuration's section.

        Returns a stream of dead letters, the outputs that the destination rejects permanently; None if it rejects none.
        """
        ...

    def write_refused(self, sink: Section, refused: Outputs, role: str) -> None:
        """Write the dead letters returned by another sink, with separate writers; no-op for sinks without dead letters."""
        ...
