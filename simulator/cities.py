"""Cities with coordinates, time zones and population weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_KM = 6_371.0088


class City(NamedTuple):
    """A real city; `weight` is its relative number of users."""

    name: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    weight: float


CITIES: tuple[City, ...] = (
    City("New York", "US", 40.7128, -74.0060, "America/New_York", 9.0),
    City("Los Angeles", "US", 34.0522, -118.2437, "America/Los_Angeles", 6.0),
    City("Chicago", "US", 41.8781, -87.6298, "America/Chicago", 5.0),
    City("Houston", "US", 29.7604, -95.3698, "America/Chicago", 4.0),
    City("Miami", "US", 25.7617, -80.1918, "America/New_York", 3.5),
    City("Seattle", "US", 47.6062, -122.3321, "America/Los_Angeles", 3.0),
    City("Denver", "US", 39.7392, -104.9903, "America/Denver", 2.5),
    City("Toronto", "CA", 43.6532, -79.3832, "America/Toronto", 3.0),
    City("Vancouver", "CA", 49.2827, -123.1207, "America/Vancouver", 1.5),
    City("Mexico City", "MX", 19.4326, -99.1332, "America/Mexico_City", 2.0),
    City("São Paulo", "BR", -23.5505, -46.6333, "America/Sao_Paulo", 2.5),
    City("Buenos Aires", "AR", -34.6037, -58.3816, "America/Argentina/Buenos_Aires", 1.0),
    City("Bogotá", "CO", 4.7110, -74.0721, "America/Bogota", 1.0),
    City("London", "GB", 51.5074, -0.1278, "Europe/London", 5.0),
    City("Manchester", "GB", 53.4808, -2.2426, "Europe/London", 1.5),
    City("Dublin", "IE", 53.3498, -6.2603, "Europe/Dublin", 1.0),
    City("Paris", "FR", 48.8566, 2.3522, "Europe/Paris", 3.0),
    City("Lyon", "FR", 45.7640, 4.8357, "Europe/Paris", 1.0),
    City("Berlin", "DE", 52.5200, 13.4050, "Europe/Berlin", 2.5),
    City("Munich", "DE", 48.1351, 11.5820, "Europe/Berlin", 1.5),
    City("Madrid", "ES", 40.4168, -3.7038, "Europe/Madrid", 2.0),
    City("Lisbon", "PT", 38.7223, -9.1393, "Europe/Lisbon", 1.0),
    City("Milan", "IT", 45.4642, 9.1900, "Europe/Rome", 1.5),
    City("Amsterdam", "NL", 52.3676, 4.9041, "Europe/Amsterdam", 1.5),
    City("Stockholm", "SE", 59.3293, 18.0686, "Europe/Stockholm", 1.0),
    City("Warsaw", "PL", 52.2297, 21.0122, "Europe/Warsaw", 1.0),
    City("Zürich", "CH", 47.3769, 8.5417, "Europe/Zurich", 1.0),
    City("Istanbul", "TR", 41.0082, 28.9784, "Europe/Istanbul", 1.5),
    City("Moscow", "RU", 55.7558, 37.6173, "Europe/Moscow", 1.0),
    City("Dubai", "AE", 25.2048, 55.2708, "Asia/Dubai", 1.2),
    City("Johannesburg", "ZA", -26.2041, 28.0473, "Africa/Johannesburg", 1.2),
    City("Lagos", "NG", 6.5244, 3.3792, "Africa/Lagos", 1.2),
    City("Nairobi", "KE", -1.2921, 36.8219, "Africa/Nairobi", 0.8),
    City("Cairo", "EG", 30.0444, 31.2357, "Africa/Cairo", 1.0),
    City("Karachi", "PK", 24.8607, 67.0011, "Asia/Karachi", 1.0),
    City("Mumbai", "IN", 19.0760, 72.8777, "Asia/Kolkata", 4.0),
    City("Delhi", "IN", 28.7041, 77.1025, "Asia/Kolkata", 4.0),
    City("Bengaluru", "IN", 12.9716, 77.5946, "Asia/Kolkata", 3.5),
    City("Shanghai", "CN", 31.2304, 121.4737, "Asia/Shanghai", 1.5),
    City("Hong Kong", "HK", 22.3193, 114.1694, "Asia/Hong_Kong", 1.0),
    City("Singapore", "SG", 1.3521, 103.8198, "Asia/Singapore", 1.2),
    City("Jakarta", "ID", -6.2088, 106.8456, "Asia/Jakarta", 1.0),
    City("Tokyo", "JP", 35.6762, 139.6503, "Asia/Tokyo", 2.0),
    City("Seoul", "KR", 37.5665, 126.9780, "Asia/Seoul", 1.5),
    City("Sydney", "AU", -33.8688, 151.2093, "Australia/Sydney", 1.5),
)

COUNTRIES: tuple[str, ...] = tuple(dict.fromkeys(city.country for city in CITIES))
COUNTRY_OF_CITY = np.array([COUNTRIES.index(city.country) for city in CITIES])
LATITUDE = np.array([city.latitude for city in CITIES])
LONGITUDE = np.array([city.longitude for city in CITIES])
WEIGHT = np.array([city.weight for city in CITIES])
HIGH_RISK_COUNTRIES = tuple(COUNTRIES.index(code) for code in ("CN", "RU", "NG", "PK", "AE", "ZA"))
UPI_COUNTRY = COUNTRIES.index("IN")


def _distances_km() -> npt.NDArray[np.float64]:
    latitude, longitude = np.radians(LATITUDE), np.radians(LONGITUDE)
    half_latitude = (latitude[:, None] - latitude[None, :]) / 2
    half_longitude = (longitude[:, None] - longitude[None, :]) / 2
    haversine = np.sin(half_latitude) ** 2 + np.cos(latitude)[:, None] * np.cos(latitude) * np.sin(half_longitude) ** 2
    distances: npt.NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(haversine))
    return distances


DISTANCE_KM = _distances_km()
"""Great-circle distances between the cities in km, (cities, cities)."""
