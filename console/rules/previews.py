"""Backtests of rules that somebody is writing, over the decisions of the store, each in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from subprocess import PIPE, Popen
from threading import Lock, Thread, Timer
from typing import Any, Literal

import msgspec

from console.rules.preview_order import TOLD, Failed, Finished, PreviewOrder, Progress, Step
from udfs.rules.rule_set import RuleSet

COMMAND = (sys.executable, "-m", "console.rules.preview_process")
MOST_SECONDS = 180.0
MOST_RUNNING = 2
MOST_KEPT = 20
MOST_DECISIONS = 200_000
DAYS = (7, 30, 90)
State = Literal["running", "finished", "failed", "cancelled"]
_encode = msgspec.json.Encoder().encode


class PreviewError(Exception):
    """A preview cannot be started; the message says what to do."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`who` started it; `rules`: what is tried; `days`: of the decisions. `done` of `whole` decisions in a `step`. `report`:
    of a finished one; `why`: of one that failed. `is_cut`: not all decisions of these days were taken."""

    number: int
    who: str
    began_ms: int
    rules: RuleSet
    days: int
    state: State = "running"
    step: Step = "reading"
    done: int = 0
    whole: int = 0
    report: dict[str, Any] | None = None
    is_cut: bool = False
    why: str = ""

    @property
    def backtest(self) -> str | None:
        """The id of the backtest."""
        return None if self.report is None else str(self.report["id"])


class Previews:
    """Starts, follows and ends previews, and keeps the newest. Thread-safe."""

    def __init__(self, now_ms: Callable[[], int], seconds: float = MOST_SECONDS) -> None:
        self._now_ms = now_ms
        self._seconds = seconds
        self._lock = Lock()
        self._kept: dict[int, Preview] = {}
        self._running: dict[int, Popen[str]] = {}
        self._last = 0

    def start(self, who: str, order: PreviewOrder) -> Preview:
        """Begin; an earlier one of the same person that still runs is cancelled. Raises PreviewError."""
        for number, known in list(self._kept.items()):
            if known.who == who and known.state == "running":
                self.cancel(number)
        with self._lock:
            if sum(self._kept[number].state == "running" for number in self._running) >= MOST_RUNNING:
                raise PreviewError("others are trying rules now: wait until one of them is done")
            self._last += 1
            made = Preview(number=self._last, who=who, began_ms=self._now_ms(), rules=order.rules, days=order.days)
            self._kept[made.number] = made
            process = self._running[made.number] = _started(order)
            for number in list(self._kept)[:-MOST_KEPT]:
                if number not in self._running:
                    del self._kept[number]
        Thread(target=self._follow, args=(made.number, process), name="preview", daemon=True).start()
        return made

    def preview(self, number: int) -> Preview | None:
        """One of those that are kept."""
        with self._lock:
            return self._kept.get(number)

    def of_backtest(self, backtest: str) -> Preview | None:
        """The newest one with this result."""
        with self._lock:
            found = [known for known in self._kept.values() if known.backtest == backtest]
        return found[-1] if found else None

    def cancel(self, number: int) -> None:
        """End one that runs."""
        self._end(number, "cancelled", "")

    def close(self) -> None:
        """End all."""
        for number in list(self._running):
            self.cancel(number)

    def _end(self, number: int, state: State, why: str) -> None:
        with self._lock:
            process = self._running.get(number)
            if process is None:
                return
            self._change(number, state=state, why=why)
            process.kill()

    def _follow(self, number: int, process: Popen[str]) -> None:
        timer = Timer(self._seconds, lambda: self._end(number, "failed", _TOO_LONG))
        timer.daemon = True
        timer.start()
        assert process.stdout is not None
        for line in process.stdout:
            self._hear(number, line)
        code = process.wait()
        timer.cancel()
        process.stdout.close()
        with self._lock:
            del self._running[number]
            if self._kept[number].state == "running":
                self._change(number, state="failed", why=f"the process that tried the rules has ended with {code}")

    def _hear(self, number: int, line: str) -> None:
        try:
            told = TOLD.decode(line)
        except msgspec.MsgspecError:
            return  # not of ours: a library has written to standard output
        with self._lock:
            if self._kept[number].state != "running":
                return
            if isinstance(told, Progress):
                self._change(number, step=told.step, done=told.done, whole=told.whole)
            elif isinstance(told, Failed):
                self._change(number, state="failed", why=told.why)
            else:
                assert isinstance(told, Finished)
                self._change(number, state="finished", report=told.report, is_cut=told.is_cut)

    def _change(self, number: int, **changes: Any) -> None:
        self._kept[number] = msgspec.structs.replace(self._kept[number], **changes)


_TOO_LONG = "it took too long: try fewer days, or `fraud rules backtest` on a file of `fraud store export`"


def _started(order: PreviewOrder) -> Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = Popen(COMMAND, stdin=PIPE, stdout=PIPE, text=True, env=environment)
    assert process.stdin is not None
    try:  # not as an argument, which all users of the machine can see
        process.stdin.write(_encode(order).decode() + "\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # told by its exit code
    return process
