"""Great-circle distance: the core's, so that a distance has the same last digit wherever a feature is computed."""

from udfs.core._native import distance_km

__all__ = ["distance_km"]
