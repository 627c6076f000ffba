"""The same events over every store give the same decisions, byte by byte: only the configuration changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from models.default_bundle import DEFAULT_BUNDLE
from tests.contracts.store_factories import SETTINGS, dynamodb_settings, redis_settings
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.outputs import Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import load_reference
from udfs.stores.opening import open_store
from udfs.stores.port import LOADED, Loaded
from udfs.stores.reference_rows import REFERENCE_FILES, rows_of
from udfs.stores.settings import RemoteStoreSettings


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("history") / "out"
    made = CliRunner().invoke(main, ["simulate", "--users", "60", "--days", "4", "--out", str(directory)])
    assert made.exit_code == 0, made.output
    return directory


def outputs_of(history: Path, store: RemoteStoreSettings | None) -> list[bytes]:
    logs = MemoryUserLogs()
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(history / "reference"), store=store)
    scorer = open_scorer(ScorerConfig(), paths, logs, SYSTEM_CLOCKS)
    values = []
    for line in (history / "events.jsonl").read_bytes().splitlines():
        logs.set_current_key(json.loads(line)["user_id"])
        values += [output.value for output in scorer.process(line, logs.key, None, Origin("events"))]
    scorer.close()
    return values


@pytest.mark.parametrize("fresh_settings", [redis_settings, dynamodb_settings])
def test_a_remote_store_decides_like_memory(history: Path, fresh_settings: Callable[[], RemoteStoreSettings]) -> None:
    settings = fresh_settings()
    reference = history / "reference"
    store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
    for file in REFERENCE_FILES:
        rows = [row for row in rows_of(reference, file) if row.key is not None]
        store.put_many({row.key: row.record for row in rows if row.key and row.record}, None)
    store.put_many({LOADED: Loaded(at_ms=0)}, None)
    in_memory = load_reference(reference, SETTINGS).store.records
    assert store.get_many(list(in_memory)) == list(in_memory.values())
    expected = outputs_of(history, None)
    found = outputs_of(history, settings)
    assert len(expected) > 400
    assert b'"enrichment":"ok"' in expected[0]
    assert found == expected
