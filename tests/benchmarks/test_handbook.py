"""The handbook's protocol and features, compared with loops over the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.handbook_baseline import FEATURES, baseline_features
from benchmarks.handbook_protocol import Columns, split
from benchmarks.handbook_table import columns_of, read_table
from models.metrics import DAY_MS

FIRST_DAY = 17_622  # 2018-04-01, a Sunday


def random_columns(rows: int = 700, days: int = 60, seed: int = 3) -> Columns:
    random = np.random.default_rng(seed)
    times_ms = FIRST_DAY * DAY_MS + np.sort(random.choice(days * 86_400, rows, replace=False)) * 1000
    return Columns(
        np.arange(rows), random.integers(0, 25, rows), random.integers(0, 9, rows), times_ms,
        np.round(random.gamma(2, 30, rows), 2), random.random(rows) < 0.1,
    )  # fmt: skip


def test_handbook_features_match_a_loop_over_their_definitions() -> None:
    columns = random_columns()
    found = baseline_features(columns)
    assert found.shape == (700, 15)
    times, day = columns.timestamps_ms, DAY_MS
    for row in range(0, 700, 7):
        t = times[row]
        expected = {
            "amount": columns.amounts[row],
            "is_weekend": float(np.datetime64(int(t), "ms").astype(object).weekday() >= 5),
            "is_night": float(np.datetime64(int(t), "ms").astype(object).hour <= 6),
        }
        for days in (1, 7, 30):
            own = (columns.user_ids == columns.user_ids[row]) & (times > t - days * day) & (times <= t)
            expected[f"customer_count_{days}d"] = own.sum()
            expected[f"customer_mean_{days}d"] = columns.amounts[own].mean()
            end = t - 7 * day
            there = (columns.terminal_ids == columns.terminal_ids[row]) & (times > end - days * day) & (times <= end)
            expected[f"terminal_count_{days}d"] = there.sum()
            expected[f"terminal_risk_{days}d"] = columns.labels[there].mean() if there.any() else 0.0
        assert found[row] == pytest.approx([expected[name] for name in FEATURES], rel=1e-5, abs=1e-6)


def test_customers_with_known_fraud_are_excluded_after_eight_days() -> None:
    columns = random_columns()
    start = FIRST_DAY + 20
    train, test = split(columns, start)
    days = columns.timestamps_ms // DAY_MS
    assert train.tolist() == [row for row in range(700) if start <= days[row] < start + 7]
    expected = []
    for row in range(700):
        if not start + 14 <= days[row] < start + 21:
            continue
        known = [
            other
            for other in range(700)
            if columns.user_ids[other] == columns.user_ids[row]
            and columns.labels[other]
            and start <= days[other] <= days[row] - 8
        ]
        if not known:
            expected.append(row)
    assert test.tolist() == expected
    assert 0 < len(expected) < ((days >= start + 14) & (days < start + 21)).sum()


def test_table_is_cut_after_the_test_week_and_sorted_by_time(tmp_path: Path) -> None:
    columns = random_columns(50)
    shuffled = np.random.default_rng(0).permutation(50)
    table = pa.table(
        {
            "TRANSACTION_ID": columns.transaction_ids[shuffled],
            "TX_DATETIME": pa.array(columns.timestamps_ms[shuffled], pa.timestamp("ms", tz="UTC")),
            "CUSTOMER_ID": columns.user_ids[shuffled],
            "TERMINAL_ID": columns.terminal_ids[shuffled],
            "TX_AMOUNT": columns.amounts[shuffled],
            "TX_FRAUD": columns.labels[shuffled].astype(np.int8),
        }
    )
    pq.write_table(table, tmp_path / "table.parquet")
    found = columns_of(read_table(tmp_path / "table.parquet", FIRST_DAY + 30))
    kept = int((columns.timestamps_ms < (FIRST_DAY + 30) * DAY_MS).sum())
    assert found.transaction_ids.tolist() == columns.transaction_ids[:kept].tolist()
    assert found.labels.tolist() == columns.labels[:kept].tolist()
    pq.write_table(table.drop_columns(["TX_FRAUD"]), tmp_path / "less.parquet")
    with pytest.raises(ValueError, match="no column TX_FRAUD"):
        read_table(tmp_path / "less.parquet", FIRST_DAY + 30)
