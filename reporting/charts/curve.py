"""Curves of many thousands of points, thinned to what a picture can show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

POINTS = 300
Column = npt.NDArray[Any]


def thinned(x: Column, y: Column, points: int = POINTS) -> tuple[Column, Column]:
    """At most `points` points of the line, evenly along its way, its ends included."""
    if len(x) <= points:
        return x, y
    way = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))))
    chosen = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], points)))
    chosen = np.unique(np.concatenate(([0], chosen, [len(x) - 1])))
    return x[chosen], y[chosen]
