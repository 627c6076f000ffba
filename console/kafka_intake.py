"""Takes a job's topics into the store, by a process of its own."""

from __future__ import annotations

import pickle

from console.api.metrics import ApiMetrics
from console.intake_orders import ReadTopics
from console.intake_supervisor import IntakeSupervisor
from jobs.config.job import JobConfig


class KafkaIntakes(IntakeSupervisor):
    """The process of one job and one store."""

    def __init__(self, job: JobConfig, store_url: str, metrics: ApiMetrics, skip_missing: bool = False) -> None:
        super().__init__(ReadTopics(store_url, pickle.dumps(job), skip_missing), metrics)
        self._lag: int | None = None

    def lag_records(self) -> int | None:
        """Records in Kafka that are not in the store yet; None before that is known."""
        return self._lag

    def on_lag(self, records: int | None) -> None:
        self._lag = records
