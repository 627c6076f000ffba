"""A function for the batched operator that records its calls in a local file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pyflink.common import Row as FlinkRow
from pyflink.datastream import KeyedBroadcastProcessFunction, ProcessFunction, RuntimeContext

from tests.jobs.frames import read_records, write_answer
from udfs.flink.bridge import OPENED, TOKEN_PARAMETER, Row
from udfs.flink.user_log import FlinkUserLog

TTL_DAYS = 60
ENTRY = b"\x91\x01"


class RecordingFunction(KeyedBroadcastProcessFunction):
    """An element is JSON with a number `n`. Its row is `n`, its key, and how many of the key were in state before.

    The file gets one line a call: {"batch": [n, …]}, or {"control": text, "waiting": records on the operator then}. A batch
    takes `batch_seconds`, so that the next records have come meanwhile.
    """

    def __init__(self, file: Path, batch_seconds: float) -> None:
        self._file = file
        self._batch_seconds = batch_seconds

    def open(self, runtime_context: RuntimeContext) -> None:
        self._log = FlinkUserLog(runtime_context, TTL_DAYS)
        self._before: dict[str, int] = {}
        self._lines = self._file.open("a")
        OPENED.announce(runtime_context.get_job_parameter(TOKEN_PARAMETER, None), self)

    def attach(self, operator: Any) -> Any:
        self._operator = operator
        self._waiting = operator.getClass().getDeclaredField("waiting")
        self._waiting.setAccessible(True)
        return self._log.attach(operator.select)

    def process_element(self, value: Any, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterable[Any]:
        key = ctx.get_current_key()
        (row,) = self._values([key], [value])
        self._log.append(ENTRY)
        return [FlinkRow("decisions", key, row, None)]

    def take(self, frame: bytes) -> tuple[bytes, tuple[Row, ...]]:
        records = read_records(frame)
        values = self._values([record.key for record in records], [record.payload or b"" for record in records])
        return write_answer(([ENTRY], [("decisions", value)]) for value in values), ()

    def _values(self, keys: Sequence[str], elements: Sequence[bytes]) -> list[bytes]:
        numbers = [json.loads(element)["n"] for element in elements]
        values = []
        for place, (key, number) in enumerate(zip(keys, numbers, strict=True)):
            before = self._before.get(key)
            if before is None:  # of this instance: from state
                self._log.go_to(place)
                before = sum(1 for _ in self._log.entries())
            self._before[key] = before + 1
            values.append(json.dumps([number, key, before]).encode())
        self._write({"batch": numbers})
        time.sleep(self._batch_seconds)
        return values

    def process_broadcast_element(self, value: FlinkRow, ctx: KeyedBroadcastProcessFunction.Context) -> Iterable[Any]:
        self._write({"control": value[0].decode(), "waiting": self._waiting.getInt(self._operator)})
        return ()

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterable[Any]:
        return ()

    def tick(self) -> None:
        pass

    def _write(self, line: dict[str, Any]) -> None:
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()


class WatermarkRecorder(ProcessFunction):
    """Writes a line [n, current watermark] for each row."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def open(self, runtime_context: RuntimeContext) -> None:
        self._lines = self._file.open("a")

    def process_element(self, value: Any, ctx: ProcessFunction.Context) -> Iterable[Any]:
        number = json.loads(value[2])[0]
        self._lines.write(json.dumps([number, ctx.timer_service().current_watermark()]) + "\n")
        self._lines.flush()
        yield value
