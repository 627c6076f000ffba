"""Stands in for Amazon's Managed Service for Apache Flink: sets the options that `flink.managed: true` leaves out."""

from __future__ import annotations

import pytest

import jobs.runtime.launching
from jobs.config.job import JobConfig
from jobs.runtime.environment import _local_settings, flink_settings
from tests.jobs.interruption import PROMPT
from tests.jobs.prometheus import reporter
from udfs.metrics.names import FLINK_PREFIX, FORWARDED_GROUP

TAKEN = f"{FLINK_PREFIX}{FORWARDED_GROUP}_"
"""Prefix, in the Prometheus reporter, of the metrics that the service forwards."""


def run_as_managed(monkeypatch: pytest.MonkeyPatch, parallelism: int, reporter_port: int) -> None:
    """Jobs that are started from now on run in this process with a platform's options around those that they set."""
    platform = {"parallelism.default": str(parallelism), "restart-strategy.type": "none", **_local_settings(), **PROMPT}

    def around(config: JobConfig) -> dict[str, str]:
        assert config.flink.managed
        return platform | reporter(reporter_port) | flink_settings(config)

    monkeypatch.setattr(jobs.runtime.launching, "flink_settings", around)
