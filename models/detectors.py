"""The anomaly of a payment: autoencoder, generalist trees and signals, with allowances for missing features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.autoencoder import Autoencoder
from models.generalist import Generalist
from models.signals import NO_SIGNALS, Signals, fit_each
from models.sparse_views import Groups
from models.strong_signals import fit_strong

MOST_LOG_ANOMALY = 40.0
"""Bound of |ln(anomaly)|, so that a float32 can hold the anomaly."""
Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Detectors:
    """ln(anomaly) is the sum of autoencoder, generalist and signals, minus the `allowances` float32 [F] of unknown features.

    It is at least the strongest of the strong signals. Tree margins of legitimate payments are higher when features are
    missing; the allowances compensate for it.
    """

    autoencoder: Autoencoder
    generalist: Generalist
    allowances: Matrix
    signals: Signals = NO_SIGNALS

    def log_anomalies(self, features: Matrix) -> Wide:
        """ln(anomaly), float64 [N], of features float32 [N, F]: about 0 for usual payments."""
        unknown = np.isnan(self.autoencoder.preparation.apply(features))
        both = np.log(self.autoencoder.anomalies(features)) + self.generalist.log_anomalies(features)
        both += self.signals.sums(features) - unknown @ self.allowances.astype(np.float64)
        anomalies = np.maximum(both, self.signals.strongest(features))
        bounded: Wide = np.clip(anomalies, -MOST_LOG_ANOMALY, MOST_LOG_ANOMALY)
        return bounded


def join_detectors(autoencoder: Autoencoder, generalist: Generalist, features: Matrix, groups: Groups) -> Detectors:
    """Join both detectors, with allowances fitted on the features float32 [N, F] of legitimate payments.

    With them, dropping a group of features does not raise the mean ln(anomaly).
    """
    found = Detectors(autoencoder, generalist, np.zeros(features.shape[1], np.float32))
    before = found.log_anomalies(features).mean()
    learned = ~np.isnan(autoencoder.preparation.scales)
    allowances = np.zeros(features.shape[1])
    for group in groups.values():
        columns = np.array([column for column in group if learned[column]], np.int64)
        if not len(columns):
            continue
        dropped = features.copy()
        dropped[:, columns] = np.nan
        lost = float((~np.isnan(features[:, columns])).sum(axis=1).mean())  # mean number of known features dropped
        rise = float(found.log_anomalies(dropped).mean() - before)
        if rise > 0.0 and lost > 0.0:
            allowances[columns] = np.maximum(allowances[columns], rise / lost)
    return Detectors(autoencoder, generalist, allowances.astype(np.float32))


def with_signals(detectors: Detectors, features: Matrix, names: Sequence[str], error_deviations: Wide) -> Detectors:
    """Add the signals, fitted on the features float32 [N, F] of recent legitimate payments.

    `error_deviations` float64 [F] are the deviations of the autoencoder's squared errors.
    The first days of a history are of no use for it: nothing was reported and few habits were known then.
    """
    summed = replace(detectors, signals=Signals(fit_each(features, names, detectors.log_anomalies(features))))
    strong = fit_strong(features, names, summed.log_anomalies(features), error_deviations)
    return replace(detectors, signals=replace(summed.signals, strong=strong))
