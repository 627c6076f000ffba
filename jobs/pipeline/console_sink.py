"""Console sink: readable lines on the standard output of the operator's process."""

from __future__ import annotations

from pyflink.datastream import DataStream

from jobs.config.job import PrintSink
from jobs.flink_internals.graph import print_side_output
from jobs.pipeline.output_sink import Outputs
from udfs.flink.score_transactions import CONSOLE


class ConsoleLines:
    """Prints the side output of the scoring operator, which formats the lines."""

    def write(self, sink: PrintSink, outputs: Outputs, role: str) -> DataStream | None:
        printer = print_side_output(outputs.rows, CONSOLE)
        printer.set_parallelism(1)  # with more, Flink prefixes each line with the instance's number
        printer.identify(role)
        return None

    def write_refused(self, sink: PrintSink, refused: Outputs, role: str) -> None:
        """No-op: dead letters are not printed."""
