"""Discards all outputs; for benchmarks."""

from __future__ import annotations

from pyflink.datastream import DataStream

from jobs.config.job import DiscardSink
from jobs.flink_internals.graph import discard
from jobs.pipeline.output_sink import Outputs


class Discarded:
    """Discards the rows of all topics."""

    def write(self, sink: DiscardSink, outputs: Outputs, role: str) -> DataStream | None:
        discard(outputs.rows).identify(role)
        return None

    def write_refused(self, sink: DiscardSink, refused: Outputs, role: str) -> None:
        discard(refused.rows).identify(role)
