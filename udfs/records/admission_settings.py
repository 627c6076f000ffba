"""Settings of the check for timestamps in the future."""

from __future__ import annotations

import msgspec

from udfs.values.time_units import MINUTE_MS


class AdmissionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Timestamps later than arrival + `future_tolerance_ms` are refused; without an arrival time, those later than
    `latest_timestamp_ms` (epoch milliseconds; None: no limit).
    """

    future_tolerance_ms: int = 10 * MINUTE_MS
    latest_timestamp_ms: int | None = None
