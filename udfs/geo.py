"""Great-circle distance."""

from __future__ import annotations

from math import asin, cos, pi, sin, sqrt

RADIANS = pi / 180  # of one degree; multiplying gives the bits of math.radians without a call
EARTH_DIAMETER_KM = 12742.0176  # twice the mean radius of 6371.0088 km (IUGG)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Distance in km between two points in degrees, by the haversine formula on a sphere of the mean radius."""
    if latitude == other_latitude and longitude == other_longitude:
        return 0.0
    here = latitude * RADIANS
    there = other_latitude * RADIANS
    half_chord_squared = (
        sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin((other_longitude - longitude) * RADIANS / 2) ** 2
    )
    return EARTH_DIAMETER_KM * asin(sqrt(half_chord_squared if half_chord_squared < 1.0 else 1.0))
