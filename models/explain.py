"""Agreement of alert reasons with exact TreeSHAP as computed by XGBoost."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from models.boosting import Boosting
from udfs.scoring.bundle import Bundle

TOP = 3


class Agreement(msgspec.Struct, frozen=True):
    """Over `alerts`: mean overlap of the three strongest features, and the largest difference of a contribution.

    The difference is in log-odds. NaN without alerts.
    """

    alerts: int
    top_3_overlap: float
    greatest_difference: float


def agreement_with_tree_shap(bundle: Bundle, boosting: Boosting, features: npt.NDArray[np.float32]) -> Agreement:
    """Compare the bundle's explaining graph with XGBoost's `pred_contribs` on features float32 [N, F] of alerts."""
    if not len(features):
        return Agreement(0, float("nan"), float("nan"))
    exact = boosting.shap(features)
    explain = bundle.explainer
    given = np.concatenate([explain(row[None]) for row in np.ascontiguousarray(features)])
    shared = [
        len(set(ours.tolist()) & set(theirs.tolist()))
        for ours, theirs in zip(np.argsort(-given)[:, :TOP], np.argsort(-exact)[:, :TOP], strict=True)
    ]
    return Agreement(len(features), float(np.mean(shared)) / TOP, float(np.abs(given - exact).max()))
