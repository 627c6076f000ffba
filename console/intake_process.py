"""The process that takes the log of the embedded scorer into the store, started by console.embedded_intake.

Standard input has the path of the log and the URL of the store, a line each, and then nothing: its end, also by the end of
the console, tells to take what is there and to end. Standard output gets a line a batch: the number of its records, -1 for a
failure.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread

from console.api.logs import set_up_logs
from console.store.errors import StoreUnavailable
from console.store.intake_log import LogIntake
from console.store.store import DecisionStore

PAUSE_SECONDS = 0.1
PAUSE_AFTER_FAILURE_SECONDS = 1.0
NICENESS = 5
"""Answers come first."""
FAILURE = -1

_log = logging.getLogger(__name__)


def main() -> None:
    """Run until standard input ends."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to all processes of a terminal; the console ends this one
    os.nice(NICENESS)
    set_up_logs("warning")
    log_path, url = Path(sys.stdin.readline().rstrip("\n")), sys.stdin.readline().rstrip("\n")
    stopping = Event()
    Thread(target=_wait_for_end, args=(stopping,), daemon=True).start()
    store = DecisionStore.open(url)
    try:
        take(LogIntake(store, log_path), stopping)
    finally:
        store.close()


def take(intake: LogIntake, stopping: Event) -> None:
    """Take all that comes, until `stopping` is set; then what is there."""
    while True:
        is_last_round = stopping.is_set()
        try:
            count = intake.step()
        except Exception as error:  # whatever it is, records stay in the log and the next round tries again
            _tell(FAILURE)
            if isinstance(error, StoreUnavailable):
                _log.warning("the store cannot be written now; records wait in the log")
            else:
                _log.exception("records of the log could not be taken into the store")
            if is_last_round:
                return  # the next start takes them
            stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)
            continue
        if count:
            _tell(count)
        elif is_last_round:
            return
        if not is_last_round:
            stopping.wait(PAUSE_SECONDS)


def _tell(count: int) -> None:
    try:
        print(count, flush=True)
    except BrokenPipeError:  # the console was killed; what it has logged is taken nevertheless
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _wait_for_end(stopping: Event) -> None:
    sys.stdin.read()
    stopping.set()


if __name__ == "__main__":
    main()
