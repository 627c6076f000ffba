"""Takes a job's topics into the store, in threads of the console's process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event, Thread

from console.api.metrics import ApiMetrics
from console.store.intake_kafka import KafkaIntake

PAUSE_AFTER_FAILURE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class KafkaIntakes:
    """One thread for each connection of the job. They go on where the store has stopped, also after a kill."""

    def __init__(self, intakes: Sequence[KafkaIntake], metrics: ApiMetrics) -> None:
        self._intakes = intakes
        self._metrics = metrics
        self._stopping = Event()
        self._threads = [
            Thread(target=self._run, args=(intake,), name="store-intake", daemon=True) for intake in intakes
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and close the consumers. What is not in the store yet stays in Kafka."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for intake in self._intakes:
            intake.close()

    def lag_records(self) -> int | None:
        """Records in Kafka that are not in the store yet; None before that is known."""
        lags = [intake.lag() for intake in self._intakes]
        return None if any(lag is None for lag in lags) else sum(lag or 0 for lag in lags)

    def _run(self, intake: KafkaIntake) -> None:
        while not self._stopping.is_set():
            try:
                intake.run(self._stopping, on_written=self._metrics.store_written.inc)
            except Exception:  # whatever it is, records stay in Kafka; health shows the lag
                self._metrics.store_failures.inc()
                _log.exception("records of the job's topics could not be taken into the store")
                self._stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)
