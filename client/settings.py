"""Settings of a detector: how long a call may take, and the files of the embedded scorer."""

from __future__ import annotations

from pathlib import Path

import msgspec


class CallLimits(msgspec.Struct, frozen=True):
    """`timeout_seconds`: of one attempt. `deadline_seconds`: of the call, with its retries and the waits between them.

    `retries`: attempts after the first. Raises ValueError for lengths that are not above 0 and for negative retries.
    """

    timeout_seconds: float
    deadline_seconds: float
    retries: int

    def __post_init__(self) -> None:
        if not self.timeout_seconds > 0 or not self.deadline_seconds > 0:
            raise ValueError("timeout_seconds and deadline_seconds must be above 0")
        if self.retries < 0:
            raise ValueError("retries must be 0 or more")


class EmbeddedSettings(msgspec.Struct, frozen=True):
    """Files of the embedded scorer. `log`: the SQLite file of its users' states and decisions, made where it is missing.

    The others are those of the configuration's `scoring` section (docs/configuration.md). `bundle` None: the shipped one;
    other files None: none.
    """

    log: str | Path
    bundle: str | Path | None = None
    rules: str = "bank"
    statistics: str | Path | None = None
    reference: str | Path | None = None
    histories: str | Path | None = None
    fx_rates: str | Path | None = None
    base_currency: str = "USD"
    lists: str | Path | None = None
