"""Columns of the baseline, compared with loops over their definitions."""

from __future__ import annotations

from datetime import UTC, datetime
from math import asin, cos, isnan, nan, radians, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.cards_baseline import FEATURES, Codes, baseline_features, codes_of
from benchmarks.cards_table import read_transactions, read_users
from tests.benchmarks.card_tables import make_cards

CARDS = make_cards(seed=9, users=12, days=12)
NO_ONE: dict[str, Any] = {"dob": None, "city_pop": nan, "lat": nan, "long": nan, "gender": None}


def haversine(first: tuple[float, float], second: tuple[float, float]) -> float:
    (a, b), (c, d) = ((radians(latitude), radians(longitude)) for latitude, longitude in (first, second))
    return 2 * 6371 * asin(sqrt(sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2))


def test_baseline_columns_match_a_loop_over_their_definitions(tmp_path: Path) -> None:
    pq.write_table(CARDS.transactions, tmp_path / "t.parquet")
    pq.write_table(CARDS.users.slice(1), tmp_path / "u.parquet")  # the first card has no holder
    table, users = read_transactions(tmp_path / "t.parquet"), read_users(tmp_path / "u.parquet")
    assert codes_of(table, users) == (sorted(set(CARDS.transactions["category"].to_pylist())), ["F", "M"])
    categories = codes_of(table, users).categories[1:]  # as if the first had not been there in training
    found = baseline_features(table, users, Codes(categories, ["F", "M"]))
    assert found.shape == (len(table), 17)
    rows, people = table.transactions.to_pylist(), {row["cc_num"]: row for row in users.to_pylist()}
    unknown = 0
    for number in range(0, len(rows), 3):
        row = rows[number]
        moment: datetime = row["unix_time"].astimezone(UTC)
        person = people.get(row["cc_num"], NO_ONE)
        unknown += person is NO_ONE
        age = nan
        if person["dob"] is not None:
            age = (moment - datetime(*person["dob"].timetuple()[:3], tzinfo=UTC)).total_seconds() / 86_400 / 365.25
        expected = {
            "category": categories.index(row["category"]) if row["category"] in categories else nan,
            "amount": row["amt"],
            "age_years": age,
            "city_pop": person["city_pop"],
            "distance_km": haversine((person["lat"], person["long"]), (row["merch_lat"], row["merch_long"])),
            "hour": moment.hour,
            "weekday": moment.weekday(),
            "gender": nan if person["gender"] is None else "FM".index(person["gender"]),
        }
        for name, seconds in (("5m", 300), ("1h", 3600), ("1d", 86_400)):
            seen = [
                other["amt"]
                for other in rows[: number + 1]
                if other["cc_num"] == row["cc_num"] and (moment - other["unix_time"]).total_seconds() < seconds
            ]
            expected |= {f"count_{name}": len(seen), f"sum_{name}": sum(seen), f"mean_{name}": sum(seen) / len(seen)}
        wanted = [expected[name] for name in FEATURES]
        assert found[number].tolist() == pytest.approx(wanted, rel=1e-5, abs=1e-4, nan_ok=True)
    assert unknown > 0
    assert np.isnan(found[:, 0]).any()
    assert not any(isnan(value) for value in found[:, 8:].ravel())
