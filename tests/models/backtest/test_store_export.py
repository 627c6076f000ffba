"""`fraud store export`: what stands in the Parquet file, read by others' libraries."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cli.main import main
from console.store.intake_run import read_run
from console.store.store import DecisionStore
from tests.models.backtest.runs import decisions_of, events_of


def export(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, ["store", "export", *map(str, arguments)])


@pytest.fixture(scope="module")
def exported(live_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "decisions.parquet"
    result = export("--run", live_run, "--to", path)
    assert result.output.endswith(f"{path}: {len(decisions_of(live_run)):,} decisions\n"), result.output
    return path


@pytest.fixture(scope="module")
def store_url(live_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite'}"
    store = DecisionStore.open(url)
    read_run(store, live_run)
    store.close()
    return url


def check_rows(rows: list[dict[str, Any]], decisions: list[dict[str, Any]], history: Path) -> None:
    """Every row has what the decision and its events have."""
    transactions = {(event["user_id"], event["transaction_id"]): event for event in events_of(history, "transaction")}
    labels: dict[tuple[str, str], list[tuple[bool, int]]] = {}
    for label in events_of(history, "label"):
        key = label["user_id"], label["transaction_id"]
        labels.setdefault(key, []).append((label["is_fraud"], label["known_at"]))
    assert len(rows) == len(decisions)
    for row, decision in zip(rows, decisions, strict=True):
        key = decision["user_id"], decision["transaction_id"]
        for name in (
            "decision_id",
            "risk_score",
            "probability",
            "coverage",
            "action",
            "tags",
            "flags",
            "summary",
            "late",
        ):
            assert row[name] == decision[name]
        assert row["model"] == decision["model"]
        assert row["rules"] == decision["rules"]
        assert row["event_time"].timestamp() * 1000 == decision["event_time_ms"]
        event = transactions[key]
        for name in ("channel", "city", "merchant_country", "latitude", "otp_used"):
            assert row["event"][name] == event.get(name)
        found = [(label["is_fraud"], round(label["known_at"].timestamp() * 1000)) for label in row["labels"]]
        assert sorted(found) == sorted(labels.get(key, []))
        assert row["features"] == decision["features"]


def test_a_run_is_exported_with_events_features_and_labels(exported: Path, live_run: Path, history: Path) -> None:
    check_rows(pq.read_table(exported).to_pylist(), decisions_of(live_run), history)


def test_a_store_is_exported_with_the_same_rows_in_the_order_of_time(
    store_url: str, live_run: Path, history: Path, tmp_path: Path
) -> None:
    path = tmp_path / "store.parquet"
    assert export("--store", store_url, "--to", path).exit_code == 0
    decisions = sorted(decisions_of(live_run), key=lambda one: (one["event_time_ms"], one["decision_id"]))
    check_rows(pq.read_table(path).to_pylist(), decisions, history)


def test_duckdb_reads_it_by_names(exported: Path, live_run: Path) -> None:
    decisions = decisions_of(live_run)
    (found,) = duckdb.sql(
        f"SELECT count(*), sum((action <> 'allow')::int), avg(features.amount), max(len(labels)), "
        f"count(event.channel), min(event_time) FROM '{exported}'"
    ).fetchall()
    assert found[:2] == (len(decisions), sum(decision["action"] != "allow" for decision in decisions))
    assert found[2] == pytest.approx(sum(d["features"]["amount"] for d in decisions) / len(decisions))
    assert found[5].timestamp() * 1000 == min(decision["event_time_ms"] for decision in decisions)
    by_rule = duckdb.sql(
        f"SELECT rule, count(*) FROM (SELECT unnest(rules.hits) AS rule FROM '{exported}') GROUP BY rule"
    ).fetchall()
    hits = [rule for decision in decisions for rule in decision["rules"]["hits"]]
    assert dict(by_rule) == {rule: hits.count(rule) for rule in set(hits)}


def test_packed_features_have_the_bits_of_named_ones(exported: Path, live_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "packed.parquet"
    assert export("--run", live_run, "--features", "packed", "--to", path).exit_code == 0
    packed, named = pq.read_table(path), pq.read_table(exported)
    sets = json.loads(packed.schema.metadata[b"fraud.feature_sets"])
    for row, other in zip(packed.to_pylist(), named.to_pylist(), strict=True):
        import struct

        names = sets[row["feature_set"]]
        values = struct.unpack(f"<{len(names)}d", row["features_packed"])
        assert {n: None if math.isnan(v) else v for n, v in zip(names, values, strict=True)} == other["features"]
    assert "features" not in packed.schema.names


def test_shadow_results_and_repeated_decisions(live_run: Path, history: Path, tmp_path: Path) -> None:
    decisions = decisions_of(live_run)[:3]
    shadow = {"set": "next", "version": 2, "hits": ["far"], "points": 20, "action": "refer_to_analyst"}
    decisions[1]["shadow"] = [shadow]
    lines = [json.dumps(decision) for decision in (*decisions, decisions[0])]
    (tmp_path / "decisions.jsonl").write_text("\n".join(lines) + '\n\n{"type": "duplicate", "other": 1}\n')
    path = tmp_path / "out.parquet"
    result = export("--run", tmp_path, "--events", history, "--to", path)
    assert result.output.endswith("3 decisions\n"), result.output
    assert pq.read_table(path).column("shadow").to_pylist() == [[], [shadow], []]


def test_an_interrupted_export_leaves_no_file(live_run: Path, history: Path, tmp_path: Path) -> None:
    lines = (live_run / "decisions.jsonl").read_bytes().splitlines()
    (tmp_path / "decisions.jsonl").write_bytes(b"\n".join([*lines[:5], lines[5][:40]]))
    result = export("--run", tmp_path, "--events", history, "--to", tmp_path / "o" / "out.parquet")
    assert result.exit_code == 2
    assert "decisions.jsonl, line 6: not a decision" in result.output
    assert list((tmp_path / "o").iterdir()) == []
    assert export("--to", tmp_path / "x.parquet").output.endswith("Error: give --run or --store\n")
