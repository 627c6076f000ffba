"""Reduces curves of many thousands of points to what a drawing can show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

POINTS = 300
Column = npt.NDArray[Any]


def thinned(x: Column, y: Column, points: int = POINTS) -> tuple[Column, Column]:
    """At most `points` points of the curve, evenly spaced along its length, both ends included."""
    if len(x) <= points:
        return x, y
    length = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))))
    chosen = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], points)))
    chosen = np.unique(np.concatenate(([0], chosen, [len(x) - 1])))
    return x[chosen], y[chosen]
