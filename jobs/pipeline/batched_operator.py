"""Runs a process function by the batched operator (java/BatchedPythonOperator.java)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyflink.common import TypeInformation
from pyflink.datastream import BroadcastStream, DataStream, KeyedBroadcastProcessFunction, KeyedStream, OutputTag

from jobs.flink_internals.generated_operator import connect_by_operator

SOURCE = Path(__file__).parent / "java" / "BatchedPythonOperator.java"


def process_in_batches(
    records: KeyedStream,
    broadcast: BroadcastStream,
    function: KeyedBroadcastProcessFunction,
    output_type: TypeInformation,
    side_output: OutputTag,
    size: int,
    name: str,
    lasting: Sequence[type[Exception]] = (),
) -> DataStream:
    """As `records.connect(broadcast).process(function)`, with records in batches (udfs.flink.bridge.BatchedFunction).

    A batch has `size` records; a smaller one is processed as soon as the input pauses, before each broadcast element,
    watermark and checkpoint barrier, and at the end of the input. There is no timeout.

    `lasting`: exceptions of the function that end the job at once, whatever `flink.restart_attempts` is, since a restart
    would lead to them again.
    """
    references: list[object] = [size, *(str(one) for one in lasting)]
    return connect_by_operator(records, broadcast, function, output_type, side_output, SOURCE, references, name)
