"""The Flink process function around the scorer: rows in, rows out, state and counters; every decision is elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from time import perf_counter_ns, time
from typing import Any, Literal

import msgspec
from pyflink.common import Row as FlinkRow
from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.batches import Row, announce
from udfs.collector import spare_the_collector
from udfs.console_line import console_line
from udfs.control import ControlError, decode_control
from udfs.dead_letter_limit import DeadLetterLimit, DeadLetterLimitSettings
from udfs.huge_pages import use_huge_pages
from udfs.incoming import RecordReader
from udfs.live_control import LiveControl, UnusableHere
from udfs.looking_ahead import look_ahead
from udfs.metric_places import MetricSettings
from udfs.open_scorer import open_scorer
from udfs.outputs import Origin, Output
from udfs.progress import Progress
from udfs.remote_files import S3Settings, local_paths
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.system_clocks import SYSTEM_CLOCKS
from udfs.tally import ControlOutcome, count
from udfs.user_log_flink import FlinkUserLog

_log = logging.getLogger(__name__)

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
OUTPUT_TYPE = Types.ROW_NAMED(
    ["topic", "key", "value", "headers"],
    [Types.STRING(), Types.STRING(), BYTES, Types.MAP(Types.STRING(), BYTES)],
)
CONSOLE = OutputTag("console", Types.STRING())
CONSOLE_DESTINATIONS = {
    None: (),
    "alerts": ("alerts",),
    "actions": ("alerts",),
    "all": ("decisions", "alerts", "flags"),
}
CONTROL_STATE = MapStateDescriptor("control", Types.STRING(), Types.PICKLED_BYTE_ARRAY())


OUTCOMES: dict[bool, ControlOutcome] = {True: "applied", False: "ignored"}
REMEDY = (
    "Put back what it needs, or start with something newer: scoring.rules of a higher version, "
    "scoring.bundle with a higher scoring.bundle_version, scoring.thresholds with a higher version"
)


class ScoringSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All that the operator is told. Picklable; paths are those of the machine that the operator runs on, or s3://.

    `control` names the control stream in dead letters. `console` adds a side output of one readable line for each
    alert, each alert with an action, or each output.
    """

    scorer: ScorerConfig
    paths: ScorerPaths
    reader: RecordReader
    dead_letter_limit: DeadLetterLimitSettings
    state_ttl_days: int
    control: str = "control"
    remote_files: S3Settings = S3Settings()
    metrics: MetricSettings = MetricSettings()
    console: Literal["alerts", "actions", "all"] | None = None


class ControlRestoreFailed(RuntimeError):
    """A control element that was in force when the state was saved cannot be put in force again."""


class ScoreTransactions(KeyedBroadcastProcessFunction):
    """Scores the records of its keys. Input 1: elements of the source; input 2: control elements.

    An element's row holds its bytes and, where the stream has them, its partition and offset.
    """

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        paths = local_paths(settings.paths, settings.remote_files)
        use_huge_pages()
        self._log = FlinkUserLog(runtime_context, settings.state_ttl_days)
        self._scorer = open_scorer(settings.scorer, paths, self._log, SYSTEM_CLOCKS)
        spare_the_collector()
        self._read = settings.reader.read
        announce(self)
        self._limit = DeadLetterLimit(settings.dead_letter_limit)
        self._progress = Progress(runtime_context, self._scorer, _clock_ms, settings.metrics)
        self._shown_on_console: tuple[str, ...] = CONSOLE_DESTINATIONS[settings.console]
        self._only_actions = settings.console == "actions"
        self._control = LiveControl(self._scorer)
        self._control_restored = False
        # RuntimeContext.get_index_of_this_subtask calls a Java method that is gone.
        self._instance: int = runtime_context._runtime_context.getTaskInfo().getIndexOfThisSubtask()

    def process_element(self, value: Any, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterable[Any]:
        """The first element alone comes this way, and `take` gets all others."""
        if not self._control_restored:
            self._restore_control(ctx)
        rows = self._decided([ctx.get_current_key()], [value])
        self._log.write_appended()
        self._log.appended()
        return _as_flink_rows(rows)

    def attach(self, operator: Any) -> Any:
        return self._log.attach(operator.select)

    def take(self, keys: Sequence[str], elements: Sequence[Any]) -> tuple[tuple[bytes | None, ...], tuple[Row, ...]]:
        rows = self._decided(keys, elements)
        return self._log.appended(), rows

    def _decided(self, keys: Sequence[str], elements: Sequence[Any]) -> tuple[Row, ...]:
        """The rows of records, which have their share in the progress and in the limit of dead letters."""
        read, take, next_record = self._read, self._scorer.take, self._log.next_record
        records = [read(element) for element in elements]
        taken: list[tuple[int, int | None]] = []
        start = perf_counter_ns()
        ahead = look_ahead(
            self._scorer.engine, [payload for payload, _, _ in records], self._scorer.tally.unknown_codes
        )
        together = perf_counter_ns() - start
        for key, (payload, arrived_at_ms, origin), event in zip(keys, records, ahead, strict=True):
            start = perf_counter_ns()
            next_record()
            take(payload, key, arrived_at_ms, origin, event)
            taken.append((perf_counter_ns() - start, arrived_at_ms))
        start = perf_counter_ns()
        decided = self._scorer.flush()
        share = (together + perf_counter_ns() - start) // len(taken)
        rows: list[Row] = []
        for outputs, (nanoseconds, arrived_at_ms) in zip(decided, taken, strict=True):
            self._progress.count(outputs, nanoseconds + share, arrived_at_ms)
            if outputs and outputs[0].destination == "dead-letters":
                self._limit.died(_reason(outputs[0]))
            else:
                self._limit.passed()
            for output in outputs:
                rows.append((output.destination, output.key, output.value, output.headers))
            if self._shown_on_console:
                rows += self._console_rows(outputs)
        return tuple(rows)

    def tick(self) -> None:
        """So that the counts of the last records before a pause are told too."""
        self._progress.flush()

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterable[Any]:
        """Earlier versions set timers, which their savepoints hold: nothing is left to do at them."""
        return ()

    def process_broadcast_element(self, value: FlinkRow, ctx: KeyedBroadcastProcessFunction.Context) -> Iterable[Any]:
        if not self._control_restored:
            self._restore_control(ctx)
        payload: bytes | None = value[0]
        if payload is None:  # a compacted topic's tombstone: old elements leave the topic, what is in force stays
            return ()
        try:
            element = decode_control(payload)
            applied = self._control.apply(element)
        except ControlError as error:
            return self._refused(value, str(error), everywhere=not isinstance(error, UnusableHere))
        except Exception as error:
            _log.exception("unexpected error in a control element")
            return self._refused(value, f"unexpected error: {type(error).__name__}: {error}", everywhere=True)
        if applied:
            kept = ctx.get_broadcast_state(CONTROL_STATE)
            for key in self._control.forgotten:
                kept.remove(key)
            kept.put(element.key, payload)
        _log.info("control element %s version %d %s", element.key, element.version, OUTCOMES[applied])
        self._progress.control(OUTCOMES[applied])
        return ()

    def close(self) -> None:
        if hasattr(self, "_progress"):
            self._progress.flush()
        if hasattr(self, "_scorer"):
            self._scorer.close()

    def _console_rows(self, outputs: list[Output]) -> list[Row]:
        return [
            (console_line(output.value),)
            for output in outputs
            if output.destination in self._shown_on_console and not (self._only_actions and output.action == "allow")
        ]

    def _refused(self, row: FlinkRow, reason: str, everywhere: bool) -> list[Any]:
        """Every instance logs it. The first reports what all refuse; what one alone may refuse each reports itself."""
        _log.warning("control element refused by instance %d: %s", self._instance, reason)
        letters = []
        if self._instance == 0 or not everywhere:
            place = "" if everywhere else f" by instance {self._instance}"
            partition, offset = (str(row[1]), row[2]) if len(row) > 1 else (None, None)
            origin = Origin(self._settings.control, partition, offset)
            letters = [self._scorer.dead_letter(row[0], f"control element refused{place}: {reason}", origin)]
            count(self._scorer.tally.dead_letters, "control")
        self._progress.control("refused")
        return [FlinkRow(letter.destination, letter.key, letter.value, letter.headers) for letter in letters]

    def _restore_control(self, ctx: Any) -> None:
        """What the broadcast state holds goes in force before the first record or element; it is empty at first."""
        for key, payload in ctx.get_broadcast_state(CONTROL_STATE).items():
            try:
                self._control.apply(decode_control(payload))
            except ControlError as error:
                raise ControlRestoreFailed(
                    f"what control element {key} put in force cannot be restored: {error}. {REMEDY}"
                ) from None
        self._control_restored = True
        self._progress.flush()


def _as_flink_rows(rows: tuple[Row, ...]) -> list[Any]:
    return [(CONSOLE, row[0]) if len(row) == 1 else FlinkRow(*row) for row in rows]


def _clock_ms() -> int:
    return int(time() * 1_000)


class _LetterReason(msgspec.Struct):
    reason: str


_decode_reason = msgspec.json.Decoder(_LetterReason).decode


def _reason(letter: Output) -> str:
    return _decode_reason(letter.value).reason if letter.headers is None else letter.headers["reason"].decode()
