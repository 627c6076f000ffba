"""In place of Amazon's Managed Service for Apache Flink: it sets what a job with `flink.managed: true` leaves alone."""

from __future__ import annotations

import pytest

import jobs.launching
from jobs.config import JobConfig
from jobs.environment import _local_settings, flink_settings
from tests.jobs.interruption import PROMPT
from tests.jobs.prometheus import reporter
from udfs.metric_places import FLINK_PREFIX, FORWARDED_GROUP

TAKEN = f"{FLINK_PREFIX}{FORWARDED_GROUP}_"
"""What the Prometheus reporter puts before the names of the metrics that the service would take."""


def run_as_managed(monkeypatch: pytest.MonkeyPatch, parallelism: int, reporter_port: int) -> None:
    """Jobs that are started from now on run in this process with a platform's options around those that they set."""
    platform = {"parallelism.default": str(parallelism), "restart-strategy.type": "none", **_local_settings(), **PROMPT}

    def around(config: JobConfig) -> dict[str, str]:
        assert config.flink.managed
        return platform | reporter(reporter_port) | flink_settings(config)

    monkeypatch.setattr(jobs.launching, "flink_settings", around)
