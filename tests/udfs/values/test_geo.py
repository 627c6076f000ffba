"""Great-circle distances: known values and properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from udfs.values.geo import distance_km

RADIUS = 6371.0088
latitudes = st.floats(-90, 90) | st.sampled_from([-90.0, -0.0, 0.0, 90.0, 45.0, 5e-324])
longitudes = st.floats(-180, 180) | st.sampled_from([-180.0, -0.0, 0.0, 180.0, 90.0])
points = st.tuples(latitudes, longitudes)
Point = tuple[float, float]


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        ((51.4775, -0.4614), (40.6397, -73.7789), 5_540),  # Heathrow, Kennedy
        ((52.52, 13.405), (48.8566, 2.3522), 878),  # Berlin, Paris
        ((-33.9399, 151.1753), (-33.3930, -70.7858), 11_340),  # Sydney, Santiago, over the date line
        ((1.3521, 103.8198), (-0.1807, -78.4678), 19_730),  # Singapore, Quito: almost antipodes
        ((51.4706, -0.4619), (35.7647, 140.3864), 9_585),  # Heathrow, Narita
        ((0.0, 0.0), (0.0, 1.0), 111.195),  # one degree
        ((0.0, 0.0), (1 / 60, 0.0), 1.853),  # about a nautical mile
    ],
)
def test_known_distances_agree_within_half_a_percent(here: Point, there: Point, km: float) -> None:
    assert distance_km(*here, *there) == pytest.approx(km, rel=5e-3)


def test_quarters_and_halves_of_the_globe_are_exact() -> None:
    quarter = math.pi / 2 * RADIUS
    assert distance_km(90.0, 0.0, 0.0, 77.0) == pytest.approx(quarter, rel=1e-12)
    assert distance_km(0.0, 0.0, 0.0, 90.0) == pytest.approx(quarter, rel=1e-12)
    assert distance_km(90.0, 12.0, -90.0, -5.0) == pytest.approx(2 * quarter, rel=1e-12)
    assert distance_km(0.0, 0.0, 0.0, 180.0) == pytest.approx(2 * quarter, rel=1e-12)
    assert distance_km(90.0, 10.0, 90.0, -170.0) == pytest.approx(0.0, abs=1e-9)


def test_a_metre_is_a_metre() -> None:
    """A metre is about the last digit of a phone's position."""
    degree = 180 / math.pi / (RADIUS * 1000)
    for latitude in (0.0, 52.5, 89.0):
        assert distance_km(latitude, 13.4, latitude + degree, 13.4) == pytest.approx(0.001, rel=1e-5)
        east = degree / math.cos(math.radians(latitude))
        assert distance_km(latitude, 13.4, latitude, 13.4 + east) == pytest.approx(0.001, rel=1e-5)


@settings(max_examples=400, deadline=None)
@given(points, points)
@example((0.0, 0.0), (-0.0, 180.0))
@example((90.0, 0.0), (-90.0, 180.0))
@example((45.0, 0.0), (-45.0, 180.0))
@example((5e-324, 0.0), (0.0, 0.0))
def test_distances_are_symmetric_and_at_most_half_the_globe(here: Point, there: Point) -> None:
    km = distance_km(*here, *there)
    assert type(km) is float
    assert 0.0 <= km <= math.pi * RADIUS
    assert distance_km(*there, *here) == km
    assert distance_km(-here[0], here[1], -there[0], there[1]) == km
    assert distance_km(here[0], -here[1], there[0], -there[1]) == km


@settings(max_examples=300, deadline=None)
@given(points)
def test_a_point_is_at_no_distance_from_itself(here: Point) -> None:
    assert distance_km(*here, *here) == 0.0
    assert distance_km(here[0], -180.0, here[0], 180.0) == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=250, deadline=None)
@given(points, points, points)
def test_the_triangle_inequality_holds(a: Point, b: Point, c: Point) -> None:
    assert distance_km(*a, *c) <= distance_km(*a, *b) + distance_km(*b, *c) + 1e-3  # near the antipode to a metre


@settings(max_examples=250, deadline=None)
@given(points, points)
def test_any_distance_agrees_with_the_vector_formula(here: Point, there: Point) -> None:
    """The angle between two vectors from cross and dot product is exact for small and large angles."""

    def vector(latitude: float, longitude: float) -> tuple[float, float, float]:
        p, q = math.radians(latitude), math.radians(longitude)
        return math.cos(p) * math.cos(q), math.cos(p) * math.sin(q), math.sin(p)

    (a, b, c), (x, y, z) = vector(*here), vector(*there)
    cross = math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
    angle = math.atan2(cross, a * x + b * y + c * z)
    assert distance_km(*here, *there) == pytest.approx(RADIUS * angle, abs=1e-3)
