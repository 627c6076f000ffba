"""The ensemble without ONNX (XGBoost, numpy autoencoder, blend): the reference for the exported graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.fitting import Fitted
from udfs.scoring.bundle import BlendWeights


def offline_probabilities(
    fitted: Fitted, blend: BlendWeights, features: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Probabilities float64 [N] of features float32 [N, F]."""
    margins = fitted.boosting.margins(features).astype(np.float64)
    log_anomalies = fitted.detectors.log_anomalies(features)
    probabilities: npt.NDArray[np.float64] = expit(
        blend.margin * margins + blend.log_error * log_anomalies + blend.offset
    )
    return probabilities
