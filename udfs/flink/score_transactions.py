"""Flink process function of the scoring job: adapts rows, keyed state, broadcast state and metrics to the scorer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from threading import Lock
from time import perf_counter_ns, time
from typing import Any, Literal

import msgspec
from pyflink.common import Row as FlinkRow
from pyflink.common import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.control.authority import Authority, AuthoritySettings, NotAuthorised
from udfs.control.elements import ControlError
from udfs.control.governed_control import GovernedControl, RestoreFailed
from udfs.control.guardrails import counts_of
from udfs.control.live_control import BundleNotLoadable, LiveControl
from udfs.flink.bridge import OPENED, TOKEN_PARAMETER, Row
from udfs.flink.frame import REPLIES, FramedDestination, read_answer, write_record
from udfs.flink.internals import bytes_in_map, subtask_of
from udfs.flink.progress import Progress
from udfs.flink.reply_address import reply_of
from udfs.flink.user_log import FlinkUserLog
from udfs.metrics.names import MetricSettings
from udfs.process.collector import collect_garbage_rarely
from udfs.process.remote_files import S3Settings, local_paths
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.codec import decode_event
from udfs.records.console_line import console_line
from udfs.records.dead_letter_limit import DeadLetterLimit, DeadLetterLimitSettings
from udfs.records.event_decoder import EventDecoder
from udfs.records.outputs import DeadLetter, Origin, Output, decode_result
from udfs.records.record_reader import RecordReader
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths

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
GUARDED = "guarded"
"""Topic of rows with the counts of rules that have guardrails, which no sink takes (udfs/flink/watch_guardrails.py)."""
CONTROL_STATE = MapStateDescriptor("control", Types.STRING(), Types.PICKLED_BYTE_ARRAY())


REMEDY = (
    "Restore the files it refers to, or start with newer ones: scoring.rules of a higher version, scoring.lists, "
    "scoring.bundle with a higher scoring.bundle_version, scoring.thresholds with a higher version"
)


_OPENING = Lock()
"""Instances of one process open one after the other. msgspec ends the process where two threads decode a struct for the
first time; what opening decodes has decoders in its modules, but a bundle's attributes and libraries do not promise it."""


class ScoringSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of ScoreTransactions. Picklable; paths are on the operator's host, or s3://.

    `control`: name of the control stream in dead letters. `authority`: who may change the job. `console`: adds a side output
    with a readable line for each alert, each alert with an action, or each output. `with_guardrails`: emit the counts that
    guardrails need.
    """

    scorer: ScorerConfig
    paths: ScorerPaths
    reader: RecordReader
    dead_letter_limit: DeadLetterLimitSettings
    state_ttl_days: int
    control: str = "control"
    authority: AuthoritySettings = AuthoritySettings()
    remote_files: S3Settings = S3Settings()
    metrics: MetricSettings = MetricSettings()
    console: Literal["alerts", "actions", "all"] | None = None
    decode: EventDecoder = decode_event
    with_guardrails: bool = False


class ControlRestoreFailed(RuntimeError):
    """A control element in the restored state cannot be applied."""


class ScoreTransactions(KeyedBroadcastProcessFunction):
    """Scores records. Input 1: elements of the source, keyed by user; input 2: control elements, broadcast.

    A row of input 2 holds the element's bytes and, if read from Kafka, its partition and offset.
    """

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        with _OPENING:
            self._open(runtime_context)

    def _open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        paths = local_paths(settings.paths, settings.remote_files)
        self._log = FlinkUserLog(runtime_context, settings.state_ttl_days)
        self._scorer = open_scorer(settings.scorer, paths, self._log, SYSTEM_CLOCKS, settings.decode)
        collect_garbage_rarely()
        self._reader = settings.reader
        self._limit = DeadLetterLimit(settings.dead_letter_limit)
        self._progress = Progress(runtime_context, self._scorer, _clock_ms, settings.metrics)
        self._shown_on_console: tuple[str, ...] = CONSOLE_DESTINATIONS[settings.console]
        self._only_actions = settings.console == "actions"
        self._control = GovernedControl(LiveControl(self._scorer), Authority(settings.authority), _clock_ms)
        self._control_restored = False
        self._instance = subtask_of(runtime_context).number
        OPENED.announce(runtime_context.get_job_parameter(TOKEN_PARAMETER, None), self)

    def process_element(self, value: Any, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterable[Any]:
        """Called for the first element of input 1 only; `take` gets all others."""
        if not self._control_restored:
            self._restore_control(ctx)
        payload, arrived_at_ms, origin = self._reader.read(value)
        key = ctx.get_current_key()
        reply = reply_of(value)
        answer, others = self.take(write_record(key, payload, arrived_at_ms, origin, reply is not None))
        (answered,) = read_answer(answer)
        for entry in answered.entries:
            self._log.append(entry)
        rows = [
            reply.row(output) if reply is not None and destination == REPLIES else (destination, key, output, None)
            for destination, output in answered.outputs
        ]
        return [(CONSOLE, row[0]) if len(row) == 1 else FlinkRow(*row) for row in (*rows, *others)]

    def attach(self, operator: Any) -> Any:
        self._select = operator.select
        return self._log.attach(operator.select)

    def take(self, frame: bytes) -> tuple[bytes, tuple[Row, ...]]:
        self._end_emergencies()
        source, arrived_at_ms = self._reader.unsaid()
        start = perf_counter_ns()
        scored = self._scorer.score_frame(frame, source, arrived_at_ms, self._select)
        taken = perf_counter_ns() - start
        letters = scored.letters
        counts = scored.outputs | {("dead-letters", None): len(letters)} if letters else scored.outputs
        self._progress.count(scored.records, counts, taken, scored.arrived_at_ms)
        self._limit.record_batch(scored.records, [*zip(scored.places, map(_reason, letters), strict=True)])
        rows = [*map(_row, letters)]
        if scored.guarded and self._settings.with_guardrails:
            rows += self._guarded_rows(scored.guarded)
        if self._shown_on_console:
            for answered in read_answer(scored.answer):
                rows += self._console_rows(answered.outputs)
        return scored.answer, tuple(rows)

    def tick(self) -> None:
        """Report counts and end emergencies, also while no records arrive."""
        self._end_emergencies()
        self._progress.flush()

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterable[Any]:
        """No-op: savepoints of earlier versions hold timers."""
        return ()

    def process_broadcast_element(self, value: FlinkRow, ctx: KeyedBroadcastProcessFunction.Context) -> Iterable[Any]:
        if not self._control_restored:
            self._restore_control(ctx)
        payload: bytes | None = value[0]
        if payload is None:  # tombstone of a compacted topic: applied elements stay in force
            return ()
        try:
            taken = self._control.take(payload, bytes_in_map(ctx.get_broadcast_state(CONTROL_STATE)))
        except ControlError as error:
            if isinstance(error, NotAuthorised):
                self._progress.unauthorised()
            return self._refused(value, str(error), everywhere=not isinstance(error, BundleNotLoadable))
        except Exception as error:
            _log.exception("unexpected error in a control element")
            return self._refused(value, f"unexpected error: {type(error).__name__}: {error}", everywhere=True)
        for told in (taken.told, *taken.also):
            _log.info("control element %s %s", told, taken.outcome)
        self._progress.control(taken.outcome)
        return ()

    def close(self) -> None:
        if hasattr(self, "_progress"):
            self._progress.flush()
        if hasattr(self, "_scorer"):
            self._scorer.close()

    def _guarded_rows(self, guarded: dict[str, tuple[int, int, int, int]]) -> list[Row]:
        counts = counts_of(self._scorer.rulebook.rule_set, guarded)
        return [(GUARDED, one.rule, msgspec.json.encode(one), None) for one in counts]

    def _console_rows(self, outputs: Sequence[tuple[FramedDestination, bytes]]) -> list[Row]:
        shown = [decode_result(value) for destination, value in outputs if destination in self._shown_on_console]
        return [(console_line(record),) for record in shown if not (self._only_actions and record.action == "allow")]

    def _refused(self, row: FlinkRow, reason: str, everywhere: bool) -> list[Any]:
        """Dead letters for a refused control element. `everywhere`: all instances refuse it, and only the first emits the
        dead letter; otherwise each refusing instance emits its own."""
        _log.warning("control element refused by instance %d: %s", self._instance, reason)
        letters = []
        if self._instance == 0 or not everywhere:
            instance = "" if everywhere else f" by instance {self._instance}"
            partition, offset = (str(row[1]), row[2]) if len(row) > 1 else (None, None)
            origin = Origin(self._settings.control, partition, offset)
            letters = [self._scorer.refused_control(row[0], f"control element refused{instance}: {reason}", origin)]
        self._progress.control("refused")
        return [FlinkRow(letter.destination, letter.key, letter.value, letter.headers) for letter in letters]

    def _end_emergencies(self) -> None:
        if _clock_ms() < self._control.next_expiry_ms:
            return
        try:
            ended = self._control.expire()
        except ControlError as error:
            _log.error("control: %s", error)
            return
        for told in ended:
            _log.warning("control element %s ran out without an approval: what was before it is in force again", told)
            self._progress.expired()

    def _restore_control(self, ctx: Any) -> None:
        """Apply the control elements in broadcast state, before the first record or element. Raises ControlRestoreFailed."""
        try:
            dropped = self._control.restore(bytes_in_map(ctx.get_broadcast_state(CONTROL_STATE)))
        except RestoreFailed as error:
            raise ControlRestoreFailed(
                f"control element {error.key} of the saved state cannot be applied: {error}. {REMEDY}"
            ) from None
        for told in dropped:  # without effect on decisions: they need not wait for it
            _log.warning("%s; it is not evaluated any more", told)
            self._progress.control("refused")
        self._control_restored = True
        self._progress.flush()


def _row(output: Output) -> Row:
    return output.destination, output.key, output.value, output.headers


def _reason(letter: Output) -> str:
    record = letter.record
    assert isinstance(record, DeadLetter)
    return record.reason


def _clock_ms() -> int:
    return int(time() * 1_000)
