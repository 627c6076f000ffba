"""Categories' figures for the hour that the stream is at, read once instead of with every transaction.

Nearly every transaction of an hour asks for the same categories. What was complete when it was read cannot change within
the hour of reading (udfs.entity_history), so it is kept here, without its store being asked again; what was stale is not.
"""

from __future__ import annotations

from math import exp

from udfs.entity_buckets import BROAD_KINDS, BucketSettings
from udfs.entity_risk import NAN, EntityRisk
from udfs.time_units import HOUR_MS


class BroadFigures:
    """One category as the features take it: fraud rates and activity ratio, mean amount, and the amounts' logarithms."""

    __slots__ = ("amount_mean", "log_amount_deviation", "log_amount_mean", "values")

    def __init__(self, risk: EntityRisk) -> None:
        ratio = 7.0 * risk.transactions_1d / risk.transactions_7d if risk.transactions_7d else NAN
        self.values: tuple[float, ...] = (*risk.fraud_rates, ratio)
        mean = risk.log_amount_mean
        self.log_amount_mean = mean
        self.log_amount_deviation = risk.log_amount_deviation
        self.amount_mean = exp(mean) if mean == mean else NAN


class BroadRisks:
    """Figures by kind and id, of one hour at a time: the newest that was asked for."""

    __slots__ = ("_activity_delay_ms", "_activity_end", "_known", "_label_delay_ms", "_label_end")

    def __init__(self, settings: BucketSettings) -> None:
        self._activity_delay_ms = settings.activity_delay_ms
        self._label_delay_ms = settings.label_delay_ms
        self._activity_end = self._label_end = -1
        self._known: list[dict[str, BroadFigures]] = [{} for _ in BROAD_KINDS]

    def at(self, time_ms: int) -> list[dict[str, BroadFigures]] | None:
        """What is known for transactions of that time, one dict a kind of BROAD_KINDS; None for an earlier hour."""
        activity_end = (time_ms - self._activity_delay_ms) // HOUR_MS
        label_end = (time_ms - self._label_delay_ms) // HOUR_MS
        if activity_end == self._activity_end and label_end == self._label_end:
            return self._known
        if activity_end < self._activity_end or label_end < self._label_end:
            return None
        self._activity_end, self._label_end = activity_end, label_end
        self._known = [{} for _ in BROAD_KINDS]
        return self._known
