"""The process that writes the store, started by console.intake_supervisor.

Standard input has an order (console.intake_orders) as one line of JSON, and then nothing: its end, also by the end of the
console, tells to end. Standard output gets a line for each batch, for each failure, and for the lag of topics once a second.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import msgspec

from console.api.logs import set_up_logs
from console.intake_orders import FAILED, LAG, WRITTEN, Order, ReadLog, ReadTopics
from console.store.errors import StoreUnavailable
from console.store.intake_kafka import KafkaIntake, kafka_intakes
from console.store.intake_log import LogIntake
from console.store.store import DecisionStore

if TYPE_CHECKING:
    from jobs.config.job import JobConfig

PAUSE_SECONDS = 0.1
PAUSE_AFTER_FAILURE_SECONDS = 1.0
PAUSE_OF_TOPICS_SECONDS = 5.0
LAG_SECONDS = 1.0
NICENESS = 5
"""Answers come first."""

_log = logging.getLogger(__name__)
_telling = Lock()


def main() -> None:
    """Run until standard input ends."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to all processes of a terminal; the console ends this one
    os.nice(NICENESS)
    set_up_logs("warning")
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    stopping = Event()
    Thread(target=_wait_for_end, args=(stopping,), daemon=True).start()
    store = DecisionStore.open(order.store_url)
    try:
        if isinstance(order, ReadLog):
            take_log(LogIntake(store, Path(order.log_path)), stopping)
        else:
            take_topics(intakes_of(order, store), stopping)
    finally:
        store.close()


def intakes_of(order: ReadTopics, store: DecisionStore) -> list[KafkaIntake]:
    """One a connection of the job. Raises ConfigError."""
    job: JobConfig = pickle.loads(order.job)
    return kafka_intakes(store, job, order.skip_missing)


def take_log(intake: LogIntake, stopping: Event) -> None:
    """Take all that comes, until `stopping` is set; then what is there."""
    while True:
        is_last_round = stopping.is_set()
        try:
            count = intake.step()
        except Exception as error:  # whatever it is, records stay in the log and the next round tries again
            _tell(FAILED)
            if isinstance(error, StoreUnavailable):
                _log.warning("the store cannot be written now; records wait in the log")
            else:
                _log.exception("records of the log could not be taken into the store")
            if is_last_round:
                return  # the next start takes them
            stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)
            continue
        if count:
            _tell(f"{WRITTEN} {count}")
        elif is_last_round:
            return
        if not is_last_round:
            stopping.wait(PAUSE_SECONDS)


def take_topics(intakes: list[KafkaIntake], stopping: Event) -> None:
    """Take all that comes, each connection on a thread of its own, until `stopping` is set."""
    threads = [Thread(target=_take_topics_of, args=(intake, stopping), daemon=True) for intake in intakes]
    for thread in threads:
        thread.start()
    while not stopping.wait(LAG_SECONDS):
        lags = [intake.lag() for intake in intakes]
        if None not in lags:
            _tell(f"{LAG} {sum(lag or 0 for lag in lags)}")
    for thread in threads:
        thread.join()
    for intake in intakes:
        intake.close()


def _take_topics_of(intake: KafkaIntake, stopping: Event) -> None:
    while not stopping.is_set():
        try:
            intake.run(stopping, on_written=lambda count: _tell(f"{WRITTEN} {count}") if count else None)
        except Exception:  # whatever it is, records stay in Kafka; health shows the lag
            _tell(FAILED)
            _log.exception("records of the job's topics could not be taken into the store")
            stopping.wait(PAUSE_OF_TOPICS_SECONDS)


def _tell(line: str) -> None:
    with _telling:
        try:
            print(line, flush=True)
        except BrokenPipeError:  # the console was killed; what it has logged is taken nevertheless
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _wait_for_end(stopping: Event) -> None:
    sys.stdin.read()
    stopping.set()


if __name__ == "__main__":
    main()
