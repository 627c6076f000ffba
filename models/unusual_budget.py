"""Chooses the anomaly threshold for unusual payments, by a maximum share of all alerts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]


class UnusualBudget(NamedTuple):
    """The threshold and its results on the slice as JSON values; `above` is None if the budget is below one payment."""

    above: float | None
    gave: dict[str, Any]


def choose_unusual_above(
    is_alert: Flags, anomalies: npt.NDArray[np.float32], labels: Flags, share_of_alerts: float
) -> UnusualBudget:
    """The lowest threshold with which at most `share_of_alerts` of all alerts are unusual ones, over [N] payments.

    `is_alert` marks the payments with an action by risk score: they count as alerts, but not as unusual ones.
    """
    by_score = int(is_alert.sum())
    wanted = int(by_score * share_of_alerts / (1.0 - share_of_alerts) + 1e-9)
    passed, passed_labels = anomalies[~is_alert], labels[~is_alert]
    wanted = min(wanted, len(passed))
    gave: dict[str, Any] = {"share_of_alerts": share_of_alerts, "alerts_by_score": by_score, "unusual": 0, "frauds": 0}
    if not wanted:
        return UnusualBudget(None, gave)
    descending = np.sort(passed)[::-1]
    above = descending[wanted - 1]
    if wanted < len(descending) and descending[wanted] == above:  # with all ties the budget would be exceeded
        above = np.nextafter(above, np.float32(np.inf))
    found = passed >= above
    gave["unusual"], gave["frauds"] = int(found.sum()), int((found & passed_labels).sum())
    return UnusualBudget(float(above), gave)
