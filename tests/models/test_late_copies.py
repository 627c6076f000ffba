"""Late copies: exactly what the engine does not know of a late payment is dropped, in rows drawn without their labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.default_bundle import DEFAULT_BUNDLE
from models.late_copies import (
    PREVIOUS,
    PREVIOUS_FEATURES,
    WINDOW_FEATURES,
    WINDOWS,
    late_groups,
    with_late_copies,
)
from models.sparse_views import draw_sparse_rows
from tests.models.synthetic import GROUPS, synthetic_frame
from tests.models.synthetic import NAMES as SYNTHETIC_NAMES
from udfs.features.catalogue import NAMES
from udfs.records.outputs import Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

START, HOUR, DAY = 1_767_225_600_000, 3_600_000, 86_400_000
FRAME = synthetic_frame()
ROWS = np.arange(1_000, 3_000)


def payment(number: int, time_ms: int, **more: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"T{number}", "user_id": "U1", "timestamp": time_ms, "amount": 20.0 + number % 7,
        "currency": "USD", "merchant_id": f"M{number % 5}", "merchant_country": "US", "country": "US", "city": "Boston",
        "latitude": 42.0 + number / 1_000, "longitude": -71.0, "device_id": f"D{number % 2}", "ip_address": "10.0.0.1",
        "beneficiary_id": f"B{number % 3}", "txns_last_1h": 1,
    } | more  # fmt: skip


def features_of_the_last(events: list[dict[str, Any]], reference: Path) -> dict[str, float | None]:
    logs = MemoryUserLogs()
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(reference))
    scorer = open_scorer(ScorerConfig(log_features="names"), paths, logs)
    outputs = []
    for event in events:
        logs.set_current_key("U1")
        outputs = scorer.process(json.dumps(event).encode(), logs.key, None, Origin("events"))
    decision = json.loads(outputs[0].value)
    assert decision["transaction_id"] == "T999"
    features: dict[str, float | None] = decision["features"]
    return features


def test_what_is_dropped_is_what_the_engine_does_not_know_of_a_late_payment(tmp_path: Path) -> None:
    profile = {"user_id": "U1", "home_country": "US", "credit_limit": 5_000.0}
    (tmp_path / "users.jsonl").write_text(json.dumps(profile) + "\n")
    days = [payment(number, START + number * DAY) for number in range(40)]
    near = payment(990, START + 40 * DAY + HOUR)
    wanted = payment(999, START + 40 * DAY + HOUR + 60_000)
    after = [payment(500 + number, START + (41 + number) * DAY) for number in range(3)]
    in_time = features_of_the_last([*days, near, wanted], tmp_path)
    late = features_of_the_last([*days, near, *after, wanted], tmp_path)
    unknown = {name for name, value in in_time.items() if value is not None and late[name] is None}
    assert unknown - set(PREVIOUS_FEATURES) == set(WINDOW_FEATURES)
    assert unknown & set(PREVIOUS_FEATURES) == set(PREVIOUS_FEATURES)
    assert set(WINDOW_FEATURES) | set(PREVIOUS_FEATURES) <= set(NAMES)


def test_copies_lack_the_windows_and_mostly_the_payment_before() -> None:
    sparse = draw_sparse_rows(ROWS, GROUPS, GROUPS, 0.5, len(SYNTHETIC_NAMES), seed=3)
    late = {WINDOWS: (0, 2), PREVIOUS: (3,)}
    copies = with_late_copies(sparse, ROWS, late, len(SYNTHETIC_NAMES), 0.2, seed=3)
    assert len(copies) == len(sparse) + 400
    added = copies.features(FRAME.features, len(sparse), len(copies))
    originals = FRAME.features[copies.rows[len(sparse) :]]
    assert np.isnan(added[:, [0, 2]]).all()
    assert 0.6 < np.isnan(added[:, 3]).mean() < 0.8
    others = [place for place in range(len(SYNTHETIC_NAMES)) if place not in (0, 2, 3)]
    np.testing.assert_array_equal(added[:, others], originals[:, others])
    before = sparse.features(FRAME.features, 0, len(sparse))
    after = copies.features(FRAME.features, 0, len(sparse))
    is_late = np.isnan(after[:, 0])
    assert 0.15 < is_late.mean() < 0.25
    np.testing.assert_array_equal(after[~is_late], before[~is_late])
    share = FRAME.labels[copies.rows[len(sparse) :]].mean() / FRAME.labels[ROWS].mean()
    assert 0.5 < share < 1.5


def test_features_without_windows_have_no_late_copies() -> None:
    sparse = draw_sparse_rows(ROWS, GROUPS, GROUPS, 0.5, len(SYNTHETIC_NAMES), seed=3)
    assert late_groups(["a", "amount_vs_last"]) == {}
    assert with_late_copies(sparse, ROWS, {}, len(SYNTHETIC_NAMES), 0.2, seed=3) is sparse
    late = late_groups(NAMES)
    assert [NAMES[place] for place in late[WINDOWS]] == list(WINDOW_FEATURES)
    assert with_late_copies(sparse, ROWS, late, len(NAMES), 0.0, seed=3) is sparse
