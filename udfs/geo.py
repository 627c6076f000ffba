"""Great-circle distance."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_DIAMETER_KM = 12742.0176  # twice the mean radius of 6371.0088 km (IUGG)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Distance in km between two points in degrees, by the haversine formula on a sphere of the mean radius."""
    if latitude == other_latitude and longitude == other_longitude:
        return 0.0
    here = radians(latitude)
    there = radians(other_latitude)
    half_chord_squared = (
        sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(radians(other_longitude - longitude) / 2) ** 2
    )
    return EARTH_DIAMETER_KM * asin(sqrt(min(1.0, half_chord_squared)))
