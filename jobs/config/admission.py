"""The limit of event times in the future."""

from __future__ import annotations

import time

from jobs.config.event_source import EventSourceSection
from udfs.records.admission_settings import AdmissionSettings


def admission_settings(source: EventSourceSection, latest_timestamp_ms: int | None) -> AdmissionSettings:
    """Settings of the check.

    The lines of a file have no arrival time: without a configured limit it is the time of the start plus the tolerance,
    since one event of a far year would make all later events of its user late.
    """
    settings = AdmissionSettings(latest_timestamp_ms=latest_timestamp_ms)
    if latest_timestamp_ms is not None or getattr(source, "kind", None) != "file":
        return settings
    return AdmissionSettings(latest_timestamp_ms=time.time_ns() // 1_000_000 + settings.future_tolerance_ms)
