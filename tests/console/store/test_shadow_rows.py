"""What rule sets in shadow said stays with a decision: written, exported, moved, copied, read again, of any version."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert

from cli.decision_table import Over, write_table
from console.store.backup import backup
from console.store.encoding import COLUMNS
from console.store.engine import Database
from console.store.intake_run import read_run
from console.store.migrations import migrate
from console.store.move import move
from console.store.rebuild import rebuild
from console.store.retention import RetentionPolicy, apply_retention
from console.store.rows import Batch, DecisionRecord
from console.store.store import DecisionStore
from console.store.tables import bundles, decisions
from tests.console.store.made_records import DAY_MS, START_MS, random_records
from udfs.records.outputs import ShadowScore

OpenStore = Callable[[str], DecisionStore]
Shadows = dict[tuple[int, str], list[ShadowScore]]


def shadows_of(records: list[DecisionRecord]) -> Shadows:
    return {(one.event_time_ms, one.decision_id): one.shadow for one in records}


def shadows_in(store: DecisionStore) -> Shadows:
    """By one read of all, and of some by the id alone."""
    rows = store.decisions(limit=5_000).items
    for row in rows[::97]:
        single = store.decision(row.decision_id)
        assert single is not None
        assert single.shadow == row.shadow
    return {(row.event_time_ms, row.decision_id): row.shadow for row in rows}


@pytest.fixture(scope="module")
def records() -> list[DecisionRecord]:
    made = random_records(seed=31, count=800)
    said = [result for one in made for result in one.shadow]
    assert any(one.action is None for one in said)
    assert any(one.hits for one in said)
    return made


def test_a_decision_keeps_it_also_when_it_is_read_again(store: DecisionStore, records: list[DecisionRecord]) -> None:
    store.write(Batch(decisions=records))
    store.write(Batch(decisions=records[:300]))
    assert shadows_in(store) == shadows_of(records)
    silent = [msgspec.structs.replace(one, shadow=[]) for one in records[:50]]
    store.write(Batch(decisions=silent))  # the newest reading counts
    assert shadows_in(store) == shadows_of([*silent, *records[50:]])


def test_retention_leaves_it_with_what_it_keeps(store: DecisionStore, records: list[DecisionRecord]) -> None:
    store.write(Batch(decisions=records))
    now_ms, first_ms = START_MS + 80 * DAY_MS, START_MS + 40 * DAY_MS
    apply_retention(store.database, RetentionPolicy(decisions_days=40), now_ms)
    kept = [one for one in records if one.event_time_ms >= first_ms]
    assert 0 < len(kept) < len(records)
    assert shadows_in(store) == shadows_of(kept)


def test_moves_and_backups_have_it(open_store: OpenStore, records: list[DecisionRecord], tmp_path: Path) -> None:
    source, target = open_store("sqlite"), open_store("postgresql")
    source.write(Batch(decisions=records))
    move(source, target)
    assert shadows_in(target) == shadows_of(records)
    backup(source.database, tmp_path / "copy.sqlite")
    copy = DecisionStore.open(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    assert shadows_in(copy) == shadows_of(records)
    copy.close()


def test_a_rebuild_reads_it_from_the_files_again(
    store: DecisionStore, records: list[DecisionRecord], tmp_path: Path
) -> None:
    (tmp_path / "decisions.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    assert rebuild(store, lambda emptied: read_run(emptied, tmp_path)) == len(records)
    assert shadows_in(store) == shadows_of(records)
    assert rebuild(store, lambda emptied: read_run(emptied, tmp_path)) == len(records)
    assert shadows_in(store) == shadows_of(records)


def test_an_export_has_it_in_the_order_of_time(url: str, records: list[DecisionRecord], tmp_path: Path) -> None:
    store = DecisionStore.open(url)
    store.write(Batch(decisions=records))
    store.close()
    path = tmp_path / "decisions.parquet"
    assert write_table(Over(url), path, None) == len(records)
    ordered = sorted(records, key=lambda one: (one.event_time_ms, one.decision_id))
    assert pq.read_table(path).column("shadow").to_pylist() == [msgspec.to_builtins(one.shadow) for one in ordered]


@pytest.mark.parametrize("revision", ["0001", "0002_queue", "0003_control"])
def test_decisions_of_a_store_of_an_earlier_version_have_none(
    url: str, revision: str, records: list[DecisionRecord]
) -> None:
    """As the program of that version wrote it: its bodies do not know what is in shadow."""
    database = Database(url)
    migrate(database, revision)
    with database.write() as connection:
        connection.execute(insert(bundles).values(number=1, bundle="b1", first_ms=1, last_ms=1))
        connection.execute(insert(decisions).values(dict(zip(COLUMNS, earlier_row(), strict=True))))
    database.close()
    store = DecisionStore.open(url)
    store.write(Batch(decisions=records[:20]))
    assert shadows_in(store) == {(START_MS - 1, "old"): [], **shadows_of(records[:20])}
    store.close()


def earlier_row() -> tuple[Any, ...]:
    model = {"bundle": "b1", "probability": 0.5, "xgboost": 0.0, "anomaly": 0.1}
    rules = {"version": 3, "score": 500, "points": 50, "hits": ["night"], "map": "none"}
    body = json.dumps({"action": "refer_to_analyst", "model": model, "rules": rules})
    return (
        START_MS - 1, "old", "U1", "T1", 500, 1, 0, 0, 1, 10.0, "EUR", 0.5, 1.0, "ok", False, False, None, body, None, None,
    )  # fmt: skip
