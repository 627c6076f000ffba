"""What is unusual: autoencoder and generalist together, so that what is not known is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.autoencoder import Autoencoder
from models.generalist import Generalist
from models.sparse_views import Groups

MOST_LOG_ANOMALY = 40.0
"""ln(anomaly) lies within this of 0, so that a float32 can hold the anomaly."""
Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Detectors:
    """ln(anomaly) is the autoencoder's, plus what the generalist adds, less `allowances` float32 [F] of what is not known.

    A margin of trees lies lower where more is known of a legitimate payment; the allowances make up for it.
    """

    autoencoder: Autoencoder
    generalist: Generalist
    allowances: Matrix

    def log_anomalies(self, features: Matrix) -> Wide:
        """ln(anomaly) of features float32 [N, F], float64 [N]: about 0 for the usual payment."""
        unknown = np.isnan(self.autoencoder.preparation.apply(features))
        both = np.log(self.autoencoder.anomalies(features)) + self.generalist.log_anomalies(features)
        both -= unknown @ self.allowances.astype(np.float64)
        bounded: Wide = np.clip(both, -MOST_LOG_ANOMALY, MOST_LOG_ANOMALY)
        return bounded


def join_detectors(autoencoder: Autoencoder, generalist: Generalist, features: Matrix, groups: Groups) -> Detectors:
    """Both, with so much allowed for the features of a group that dropping it does not raise the mean ln(anomaly) of the
    legitimate features float32 [N, F]."""
    found = Detectors(autoencoder, generalist, np.zeros(features.shape[1], np.float32))
    before = found.log_anomalies(features).mean()
    learned = ~np.isnan(autoencoder.preparation.scales)
    allowances = np.zeros(features.shape[1])
    for group in groups.values():
        places = np.array([place for place in group if learned[place]], np.int64)
        if not len(places):
            continue
        dropped = features.copy()
        dropped[:, places] = np.nan
        lost = float((~np.isnan(features[:, places])).sum(axis=1).mean())  # of those that are known now
        rise = float(found.log_anomalies(dropped).mean() - before)
        if rise > 0.0 and lost > 0.0:
            allowances[places] = np.maximum(allowances[places], rise / lost)
    return Detectors(autoencoder, generalist, allowances.astype(np.float32))
