"""A training frame does not depend on the number of workers, and equals a replay user by user."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from models import frame_parts
from models.entity_history import aggregate_entities, write_history
from models.event_files import EventFileError, Progress
from models.frame import RuleSetIdentity, TrainingFrame
from models.processes import WorkerDied, on_processes
from models.statistics import write_statistics
from models.training_data import training_frame
from models.user_shard import UserShard
from tests.jobs.event_stream import event_lines, write_events
from udfs.core.learner import Learner, LearnerSettings
from udfs.records.codec import decode_event
from udfs.records.events import Label, Transaction
from udfs.rules.pack_files import load_rule_set
from udfs.rules.population import FORMAT, Figures, Statistics
from udfs.rules.rule_map import content_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import load_reference
from udfs.stores.record_source import MemorySource

EVENTS = 4_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return event_lines(EVENTS, seed=6)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> tuple[Path, ScorerConfig, ScorerPaths]:
    folder = tmp_path_factory.mktemp("history")
    events = write_events(folder / "events.jsonl", [*lines[:50], b"no event", b'{"user_id":7}', *lines[50:]])
    histories = folder / "entity_history.jsonl"
    config = ScorerConfig()
    write_history(aggregate_entities(events, config.buckets), histories)
    return events, config, ScorerPaths(bundle="", histories=str(histories))


def same(one: TrainingFrame, other: TrainingFrame) -> None:
    assert one.description == other.description
    assert (one.groups, one.rule_set) == (other.groups, other.rule_set)
    columns = ("features", "labels", "timestamps_ms", "amounts", "user_ids", "label_known", "label_known_at_ms")
    for column in (*columns, "rule_points"):
        first, second = getattr(one, column), getattr(other, column)
        assert first.dtype == second.dtype
        assert first.tobytes() == second.tobytes(), column


def test_one_worker_and_two_give_identical_frames_in_order_of_arrival(
    inputs: tuple[Path, ScorerConfig, ScorerPaths], lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[tuple[int, int]] = []
    alone = training_frame(*inputs)
    together = training_frame(*inputs, None, lambda done, total: reports.append((done, total)), 2)
    monkeypatch.setattr(frame_parts, "ROWS_A_GROUP", 100)  # many row groups in one process
    in_small_groups = training_frame(*inputs)

    same(alone, together)
    same(alone, in_small_groups)
    assert reports[-1][0] == reports[-1][1] == 2 * inputs[0].stat().st_size

    seen, expected = set(), []
    for line in lines:
        event = decode_event(line)
        if isinstance(event, Transaction) and event.transaction_id not in seen:
            seen.add(event.transaction_id)
            expected.append((event.user_id, event.timestamp, event.amount))
    rows = zip(alone.user_ids.tolist(), alone.timestamps_ms.tolist(), alone.amounts.tolist(), strict=True)
    assert list(rows) == expected


def test_features_and_labels_equal_those_of_each_user_alone(
    inputs: tuple[Path, ScorerConfig, ScorerPaths], lines: list[bytes]
) -> None:
    """Record by record, with the states written and read again after each."""
    _, config, paths = inputs
    frame = training_frame(*inputs)
    expected: dict[tuple[str, int, float], tuple[float, ...]] = {}
    newest: dict[str, tuple[int, bool]] = {}
    ids: dict[str, tuple[str, int, float]] = {}
    learner = learner_over(config, paths)
    for line in sorted(lines, key=lambda line: decode_event(line).user_id):
        event = decode_event(line)
        learner.core.evict_all()
        (outcome,) = learner.learn([event.user_id], [line], [None])
        if isinstance(event, Transaction) and outcome[0] == "transaction":
            row = (event.user_id, event.timestamp, event.amount)
            expected[row] = tuple(learner.features()[0].tolist())
            ids[event.transaction_id] = row
        elif isinstance(event, Label):
            newest[event.transaction_id] = max(
                newest.get(event.transaction_id, (0, False)), (event.known_at, event.is_fraud)
            )

    rows = list(zip(frame.user_ids.tolist(), frame.timestamps_ms.tolist(), frame.amounts.tolist(), strict=True))
    assert len(rows) == len(expected) > 3_000
    np.testing.assert_array_equal(frame.features, np.array([expected[row] for row in rows], np.float32))
    frauds = {ids[transaction_id] for transaction_id, (_, is_fraud) in newest.items() if is_fraud}
    assert {row for row, label in zip(rows, frame.labels, strict=True) if label} == frauds
    assert len(frauds) > 20


def learner_over(config: ScorerConfig, paths: ScorerPaths) -> Learner:
    logs = MemoryUserLogs()
    store = load_reference(None, config.buckets, Path(str(paths.histories))).store

    def select(_: int, key: str) -> None:
        logs.set_current_key(key)

    return Learner(LearnerSettings(state=config.state, buckets=config.buckets), MemorySource(store), logs, select)


def test_rule_points_use_the_statistics_known_at_the_time(
    inputs: tuple[Path, ScorerConfig, ScorerPaths], lines: list[bytes], tmp_path: Path
) -> None:
    events, config, paths = inputs
    half = sorted(decode_event(line).timestamp for line in lines)[EVENTS // 2]
    figures = Figures(
        as_of_ms=half, transactions=1, transactions_with_distance=0, labels=0, frauds=0, amount_p95=20.0,
        km_from_home_p90=None, fraud_rate=None, cities={},
    )  # fmt: skip
    write_statistics(Statistics(format=FORMAT, base_currency="USD", snapshots=(figures,)), tmp_path / "figures.json")
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "name: mine\nversion: 4\nscale: [[0, 0], [100, 1000]]\nrules:\n"
        "- {id: large, points: 30, when: amount > 50, reason: large}\n"
        "- {id: larger, points: 5, when: amount > population_amount_p95, reason: larger}\n"
    )
    frame = training_frame(
        events, config, msgspec.structs.replace(paths, rules=str(rules), statistics=str(tmp_path / "figures.json"))
    )
    assert frame.rule_points is not None
    assert frame.rule_set == RuleSetIdentity("mine", 4, content_of(load_rule_set(rules)))
    expected = 30 * (frame.amounts > 50) + 5 * ((frame.amounts > 20.0) & (frame.timestamps_ms >= half))
    assert frame.rule_points.tolist() == expected.tolist()
    assert len(set(expected.tolist())) == 4
    assert frame.rule_points.dtype == np.int32


def test_a_failing_worker_stops_the_others_and_its_error_is_raised(
    inputs: tuple[Path, ScorerConfig, ScorerPaths],
) -> None:
    with pytest.raises(EventFileError, match=r"gone\.jsonl: cannot be read: No such file"):
        training_frame(inputs[0].with_name("gone.jsonl"), *inputs[1:], workers=2)
    with pytest.raises(WorkerDied, match=r"worker 2 of 2 ended without a result.*fewer --workers"):
        on_processes(die_in_the_second, None, 2)


def die_in_the_second(task: None, shard: UserShard, progress: Progress) -> int:
    if shard.number == 1:
        raise SystemExit(9)
    return 0
