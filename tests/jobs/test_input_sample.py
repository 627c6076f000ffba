"""Sampling of an event file, and the fields known in its reference folder."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.config.input_sample import coverage_of_file, sample_lines
from udfs.features.feature_set import FeatureSet
from udfs.scoring.bundle import BlendWeights, DecisionModel, Manifest

FEATURES = FeatureSet()
MANIFEST = Manifest(
    format_version=2, name="n", version="v", feature_set_version=FEATURES.version, feature_names=FEATURES.names,
    error_means=(), error_deviations=(), margin_bias=0.0, blend=BlendWeights(1.0, 0.0, 0.0), settings={}, description={},
    metrics={}, libraries={}, files={}, groups=FEATURES.groups, group_known=dict.fromkeys(FEATURES.groups, 1.0),
    importance=(1.0 / len(FEATURES.names),) * len(FEATURES.names), quantiles=(), decision=DecisionModel(coverage_floor=0.9),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=80), st.integers(1, 7), st.booleans())
def test_every_line_of_a_small_file_is_read_once_in_order(lengths: list[int], segments: int, ends: bool) -> None:
    from tempfile import TemporaryDirectory

    lines = [f"{number}:{'x' * length}".encode() for number, length in enumerate(lengths)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lines"
        path.write_bytes(b"\n".join(lines) + (b"\n" if ends and lines else b""))
        assert list(sample_lines(path, lines=100 * segments, segments=segments)) == lines


def test_lines_of_a_large_file_are_sampled_evenly(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"".join(b"%08d\n" % number for number in range(100_000)))
    numbers = [int(line) for line in sample_lines(path, lines=200, segments=20)]
    assert len(numbers) == 200
    assert numbers == sorted(set(numbers))
    assert [number // 5_000 for number in numbers] == sorted(list(range(20)) * 10)


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {"transaction_id": f"T{number}", "user_id": f"U{number % 10}", "timestamp": number, "amount": 1.0, **fields}


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_profiles_devices_feeds_and_logins_are_looked_up_in_the_reference_folder(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    reference.mkdir()
    write(reference / "users.jsonl", [{"user_id": f"U{number}"} for number in range(5)])
    write(reference / "devices.jsonl", [{"device_id": "D0"}])
    write(reference / "ip_feed.jsonl", [{"ip_address": "10.0.0.1"}])
    events = [event(n, device_id=f"D{n % 2}", ip_address=f"10.0.0.{n % 4}") for n in range(100)]
    random.Random(1).shuffle(events)
    login = {"type": "login", "event_id": "L", "user_id": "U1", "timestamp": 1}
    path = write(tmp_path / "events.jsonl", [*events, login, {"no": "event"}])
    coverage = coverage_of_file(path, MANIFEST, reference, histories=True)
    here = {group.group: group.here for group in coverage.groups}
    assert coverage.transactions == 100
    shares = {name: here[name] for name in ("profile", "device", "device_profile", "ip", "feeds", "logins", "merchant")}
    assert shares == {
        "profile": 0.5, "device": 1.0, "device_profile": 0.5, "ip": 1.0, "feeds": 0.25, "logins": 1.0, "merchant": 0.0,
    }  # fmt: skip
    assert here["entity_history"] == 1.0
    assert coverage.floor == 0.9


def test_four_columns_lack_all_inputs_that_need_more(tmp_path: Path) -> None:
    path = write(tmp_path / "events.jsonl", [event(number) for number in range(50)])
    coverage = coverage_of_file(path, MANIFEST, None, histories=True)
    missing = {group.group for group in coverage.missing}
    assert {"merchant", "device", "profile", "location"} <= missing
    assert "entity_history" not in missing
    alone = sum(1 for feature in FEATURES.features if set(feature.groups) <= {"entity_history"})
    assert coverage.expected == pytest.approx(alone / len(FEATURES.names))
    assert coverage.below_floor == 1.0


def test_with_a_remote_store_only_the_events_are_compared(tmp_path: Path) -> None:
    path = write(tmp_path / "events.jsonl", [event(number) for number in range(5)])
    manifest = msgspec.structs.replace(MANIFEST)
    coverage = coverage_of_file(path, manifest, None, histories=None, is_remote=True)
    missing = {group.group for group in coverage.missing}
    assert "merchant" in missing
    assert not missing & {"profile", "device_profile", "feeds", "entity_history"}
