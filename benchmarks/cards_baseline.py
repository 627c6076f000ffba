"""Baseline: plain XGBoost on static columns and user windows computed by numpy, independent of `udfs`.

Depth, learning rate, number of trees and sampling are those of the project's model; so are the training rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xgboost as xgb

from benchmarks.cards_table import CardTable, Rows
from models.settings import TrainSettings

WINDOW_SECONDS = {"5m": 300, "1h": 3_600, "1d": 86_400}
FEATURES = (
    "category", "amount", "age_years", "city_pop", "distance_km", "hour", "weekday", "gender",
    *(f"{kind}_{window}" for window in WINDOW_SECONDS for kind in ("count", "sum", "mean")),
)  # fmt: skip
EARTH_RADIUS_KM = 6_371.0
DAY_MS = 86_400_000
HOUR_MS = DAY_MS // 24
DAYS_PER_YEAR = 365.25
Values = npt.NDArray[np.float64]


class Codes(NamedTuple):
    """Category and gender values that are encoded by their index; other values become NaN."""

    categories: list[str]
    genders: list[str]


def codes_of(table: CardTable, users: pa.Table) -> Codes:
    """The sorted values of the training tables."""
    columns = (table.transactions["category"], users["gender"])
    return Codes(*(sorted(pc.unique(column).drop_null().to_pylist()) for column in columns))


def static_columns(table: CardTable, users: pa.Table, codes: Codes) -> list[Values]:
    """The first eight of FEATURES, each float64 [N]; unknown values are NaN."""
    users = users.append_column("row", pa.array(np.arange(users.num_rows)))
    found = pc.index_in(table.transactions["cc_num"].combine_chunks(), users["cc_num"].combine_chunks())
    user_rows = found.fill_null(-1).to_numpy(zero_copy_only=False)

    def of_user(values: Values) -> Values:
        rows: Values = np.append(values, np.nan)[user_rows]
        return rows

    times_ms = table.times_ms
    born = pc.cast(users["dob"], pa.int32()).to_numpy().astype(np.float64)  # days since 1970; null: NaN
    gender = pc.index_in(users["gender"].combine_chunks(), pa.array(codes.genders, pa.string()))
    category = pc.index_in(table.transactions["category"].combine_chunks(), pa.array(codes.categories, pa.string()))
    return [
        _floats(category),
        table.column("amt"),
        (times_ms / DAY_MS - of_user(born)) / DAYS_PER_YEAR,
        of_user(users["city_pop"].to_numpy()),
        distance_km(
            of_user(users["lat"].to_numpy()), of_user(users["long"].to_numpy()),
            table.column("merch_lat"), table.column("merch_long"),
        ),
        (times_ms % DAY_MS // HOUR_MS).astype(np.float64),
        ((times_ms // DAY_MS + 3) % 7).astype(np.float64),  # 1970-01-01 was a Thursday; Monday is 0
        of_user(_floats(gender)),
    ]  # fmt: skip


def distance_km(latitude: Values, longitude: Values, other_latitude: Values, other_longitude: Values) -> Values:
    """Great-circle distance in km of points in degrees by the haversine formula, each [N]."""
    first, second = np.radians(latitude), np.radians(other_latitude)
    across = np.radians(other_longitude - longitude)
    square = np.sin((second - first) / 2) ** 2 + np.cos(first) * np.cos(second) * np.sin(across / 2) ** 2
    distances: Values = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(square, 0, 1)))
    return distances


def window_columns(table: CardTable) -> list[Values]:
    """Count, sum and mean of the user's amounts in (t - window, t] for each window, each float64 [N].

    The transaction itself is included; of transactions at the same time, those later in the table are not.
    """
    numbers = table.transactions["cc_num"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    times_ms = table.times_ms - table.times_ms[0]
    spacing = int(times_ms[-1]) + max(WINDOW_SECONDS.values()) * 1000 + 1
    positions = numbers * spacing + times_ms  # one time axis for all users, spaced further apart than any window
    order = np.argsort(positions, kind="stable")
    positions = positions[order]
    sums = np.concatenate(([0.0], np.cumsum(table.column("amt")[order])))
    end = np.arange(1, len(positions) + 1)
    columns = []
    for seconds in WINDOW_SECONDS.values():
        start = np.searchsorted(positions, positions - seconds * 1000, side="right")
        count, total = np.empty(len(positions)), np.empty(len(positions))
        count[order] = end - start
        total[order] = sums[end] - sums[start]
        columns += [count, total, total / count]
    return columns


def baseline_features(table: CardTable, users: pa.Table, codes: Codes) -> npt.NDArray[np.float32]:
    """All FEATURES, float32 [N, 17]; NaN where unknown."""
    return np.column_stack([*static_columns(table, users, codes), *window_columns(table)]).astype(np.float32)


def fit(
    features: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], rows: Rows, settings: TrainSettings, trees: int
) -> xgb.Booster:
    """Trains `trees` trees with the hyperparameters of `settings` on the given rows; deterministic."""
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "base_score": 0.5,
        "max_bin": settings.max_bin,
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "colsample_bytree": settings.column_fraction,
        "subsample": settings.row_fraction,
        "lambda": settings.leaf_penalty,
        "seed": settings.seed,
        "nthread": 1,
    }
    matrix = xgb.QuantileDMatrix(features[rows], label=labels[rows], max_bin=settings.max_bin, nthread=1)
    return xgb.train(parameters, matrix, trees)


def predict(booster: xgb.Booster, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Probabilities float64 [n]."""
    return np.asarray(booster.predict(xgb.DMatrix(features, nthread=1)), np.float64)


def _floats(codes: pa.Array) -> Values:
    values: Values = codes.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
