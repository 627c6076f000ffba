"""One rate of the FX table."""

from __future__ import annotations

import msgspec


class FxRate(msgspec.Struct, frozen=True):
    """From `valid_from_ms` on, one major unit of `currency` is worth `rate` major units of the base currency."""

    currency: str
    valid_from_ms: int
    rate: str
