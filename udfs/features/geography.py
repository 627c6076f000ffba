"""Where the transaction happened, against the last one, home, and the places known."""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.geo import distance_km
from udfs.time_units import HOUR_MS

FEATURES = (
    Feature("km_from_last", "km", "great-circle distance to the last transaction with time <= t", groups=("location",)),
    Feature(
        "speed_kmh", "km/h", "km_from_last / hours since the last transaction, at least 0.01 h", groups=("location",)
    ),
    Feature(
        "km_from_home",
        "km",
        "great-circle distance to the user's home; else the transaction's distance_from_home_km",
        version=2,
        groups=("location", "profile"),
    ),
    Feature("is_new_country", "flag", "1 if the country is not among the user's known countries", groups=("country",)),
    Feature("is_new_city", "flag", "1 if the city is not among the user's known cities", groups=("city",)),
    Feature("country_changed", "flag", "1 if the last transaction was in another country", groups=("country",)),
    Feature("city_changed", "flag", "1 if the last transaction was in another city", groups=("city",)),
    Feature(
        "is_merchant_abroad",
        "flag",
        "1 if the merchant's country is not the user's home country",
        groups=("country", "merchant_country", "profile"),
    ),
    Feature(
        "merchant_country_differs",
        "flag",
        "1 if the merchant's country is not the transaction's country",
        groups=("country", "merchant_country"),
    ),
)
SHORTEST_TRIP_HOURS = 0.01


def compute(c: Context) -> tuple[float, ...]:
    transaction, previous, user = c.transaction, c.previous, c.user
    latitude, longitude = transaction.latitude, transaction.longitude
    km = speed = NAN
    stated_km = transaction.distance_from_home_km
    home_km = stated_km if stated_km is not None else NAN
    if latitude is not None and longitude is not None:
        if previous is not None and previous.latitude is not None and previous.longitude is not None:
            km = distance_km(previous.latitude, previous.longitude, latitude, longitude)
            speed = km / max(SHORTEST_TRIP_HOURS, (c.time_ms - previous.timestamp_ms) / HOUR_MS)
        if user is not None and user.home_latitude is not None and user.home_longitude is not None:
            home_km = distance_km(user.home_latitude, user.home_longitude, latitude, longitude)
    country, city, merchant_country = c.place_country, transaction.city, transaction.merchant_country
    return (
        km,
        speed,
        home_km,
        NAN if country is None else 0.0 if country in c.habits.countries else 1.0,
        NAN if city is None else 0.0 if city in c.habits.cities else 1.0,
        changed(previous.country if previous is not None else None, country),
        changed(previous.city if previous is not None else None, city),
        changed(user.home_country if user is not None else None, merchant_country),
        changed(transaction.country, merchant_country),
    )


def changed(before: str | None, now: str | None) -> float:
    """1 if both are known and differ, 0 if they are equal, NaN if one is not known."""
    if before is None or now is None:
        return NAN
    return 0.0 if before == now else 1.0
