"""The Flink process function around the scorer: rows in, rows out, state and counters; every decision is elsewhere."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable
from time import perf_counter_ns
from typing import Any, Literal

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.console_line import console_line
from udfs.control import ControlError, element_kind
from udfs.dead_letter_limit import DeadLetterLimit, DeadLetterLimitSettings
from udfs.incoming import RecordReader
from udfs.open_scorer import open_scorer
from udfs.outputs import Origin, Output
from udfs.progress import Progress
from udfs.rules.errors import RuleError
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.system_clocks import SYSTEM_CLOCKS
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
    "all": ("decisions", "alerts"),
}
CONTROL_STATE = MapStateDescriptor("control", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
CONTROL_ORIGIN = Origin("control")


class ScoringSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All that the operator is told. Picklable; paths are those of the machine that the operator runs on.

    `console` adds a side output of one readable line for each alert, each alert with an action, or each output.
    """

    scorer: ScorerConfig
    paths: ScorerPaths
    reader: RecordReader
    dead_letter_limit: DeadLetterLimitSettings
    state_ttl_days: int
    console: Literal["alerts", "actions", "all"] | None = None


class ControlRestoreFailed(RuntimeError):
    """A rule set that was in force when the state was saved is not valid for this version of the program."""


class ScoreTransactions(KeyedBroadcastProcessFunction):
    """Scores the records of its keys. Input 1: elements of the source; input 2: Row(control element as bytes)."""

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        self._scorer = open_scorer(
            settings.scorer, settings.paths, FlinkUserLog(runtime_context, settings.state_ttl_days), SYSTEM_CLOCKS
        )
        _spare_the_collector()
        self._read = settings.reader.read
        self._process = self._scorer.process
        self._limit = DeadLetterLimit(settings.dead_letter_limit)
        self._progress = Progress(runtime_context)
        self._shown_on_console: tuple[str, ...] = CONSOLE_DESTINATIONS[settings.console]
        self._only_actions = settings.console == "actions"
        self._control_versions: dict[str, int] = {}
        self._control_restored = False
        # RuntimeContext.get_index_of_this_subtask calls a Java method that is gone.
        self._is_first = runtime_context._runtime_context.getTaskInfo().getIndexOfThisSubtask() == 0

    def process_element(self, value: Any, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterable[Any]:
        if not self._control_restored:
            self._restore_control(ctx)
        payload, arrived_at_ms, origin = self._read(value)
        start = perf_counter_ns()
        outputs = self._process(payload, ctx.get_current_key(), arrived_at_ms, origin)
        self._progress.count(outputs, perf_counter_ns() - start)
        if outputs and outputs[0].destination == "dead-letters":
            self._limit.died(_reason(outputs[0]))
        else:
            self._limit.passed()
        return self._rows(outputs)

    def process_broadcast_element(self, value: Row, ctx: KeyedBroadcastProcessFunction.Context) -> Iterable[Any]:
        if not self._control_restored:
            self._restore_control(ctx)
        element: bytes = value[0]
        try:
            kind, version = element_kind(element)
            self._scorer.apply_control(element)
        except (ControlError, RuleError) as error:
            _log.warning("control element refused: %s", error)
            if not self._is_first:  # every instance sees it, one reports it
                return ()
            return self._rows([self._scorer.dead_letter(element, f"control element refused: {error}", CONTROL_ORIGIN)])
        if version > self._control_versions.get(kind, -1):
            self._control_versions[kind] = version
            ctx.get_broadcast_state(CONTROL_STATE).put(kind, element)
        return ()

    def close(self) -> None:
        if hasattr(self, "_progress"):
            self._progress.flush()
        if hasattr(self, "_scorer"):
            self._scorer.close()

    def _rows(self, outputs: list[Output]) -> list[Any]:
        rows: list[Any] = [Row(output.destination, output.key, output.value, output.headers) for output in outputs]
        if self._shown_on_console:
            rows += [
                (CONSOLE, console_line(output.value))
                for output in outputs
                if output.destination in self._shown_on_console
                and not (self._only_actions and output.action == "allow")
            ]
        return rows

    def _restore_control(self, ctx: Any) -> None:
        """What the broadcast state holds goes in force before the first record or element; it is empty at first."""
        for kind, element in ctx.get_broadcast_state(CONTROL_STATE).items():
            try:
                _, version = element_kind(element)
                self._scorer.apply_control(element)
            except (ControlError, RuleError) as error:
                raise ControlRestoreFailed(
                    f"the {kind} control element of the restored state is no longer valid: {error}. "
                    "Start with a rule file (scoring.rules) of a higher version"
                ) from None
            self._control_versions[kind] = version
        self._control_restored = True


def _spare_the_collector() -> None:
    """What was loaded stays, and the scorer makes no cycles: look for garbage rarely (8 % of the time otherwise)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


class _LetterReason(msgspec.Struct):
    reason: str


_decode_reason = msgspec.json.Decoder(_LetterReason).decode


def _reason(letter: Output) -> str:
    return _decode_reason(letter.value).reason if letter.headers is None else letter.headers["reason"].decode()
