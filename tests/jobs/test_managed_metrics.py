"""On the managed platform, selected metrics are registered in the group that is forwarded to CloudWatch."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from jobs.control.file_channel import FileChannel
from jobs.score_transactions import start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import wait_for_records
from tests.jobs.managed_platform import TAKEN, run_as_managed
from tests.jobs.outcomes import written_lines
from tests.jobs.prometheus import Scrape, free_port
from udfs.control.elements import ThresholdsControl
from udfs.metrics.catalogue import METRICS, QUANTILES
from udfs.metrics.names import FORWARDED, MetricSettings, prometheus_name
from udfs.records.outputs import ACTIONS

EVENTS = 2_000
BAD = 30
INSTANCES = 2
TAKEN_LATER = {"fraud_arrival_lag_ms_p99"}
"""Files do not tell when a line arrived."""


def test_metrics_of_a_managed_job_are_in_the_forwarded_group(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = event_lines(EVENTS, seed=12) + [b"not an event"] * BAD
    directory, port = tmp_path / "control", free_port()
    directory.mkdir()
    FileChannel(directory).publish(
        ThresholdsControl(version=7, refer_to_analyst=50, soft_challenge=100, hard_block=150)
    )
    (directory / "hostile").write_bytes(b"nonsense\n")
    config = configure(
        write_events(tmp_path / "events.jsonl", lines),
        flink={"managed": True},
        control={"kind": "file", "path": str(directory), "poll_interval_ms": 50},
    )
    run_as_managed(monkeypatch, INSTANCES, port)

    job = start(config)  # it runs on after the last record, since the control directory is watched
    wait_for_records(job, len(lines))
    time.sleep(1.5)  # the last counts are told a second after
    taken, left = Scrape(port, TAKEN), Scrape(port)
    job.stop_with_savepoint(str(tmp_path / "savepoints"))

    records = [json.loads(line) for line in written_lines(tmp_path / "out", "decisions")]
    decisions = [record for record in records if record["type"] == "decision"]
    alerts = written_lines(tmp_path / "out", "alerts")
    assert sum(taken.values("fraud_records")) == len(lines)
    assert sum(taken.values("fraud_transactions")) == len(decisions) > 1_000
    assert sum(taken.values("fraud_duplicates")) == len(records) - len(decisions) > 10
    assert sum(taken.values("fraud_alerts")) == len(alerts) > 10
    assert sum(taken.values("fraud_late")) == sum(decision["late"] for decision in decisions)
    assert taken.values("fraud_enrichment_failures") == [0] * INSTANCES
    actions = Counter(decision["action"] for decision in decisions)
    assert taken.totals("action_fraud_decisions", "action") == {action: actions[action] for action in ACTIONS}
    assert taken.totals("status_fraud_enrichment", "status") == {
        "ok": 0, "stale": 0, "degraded": 0, "not_configured": len(decisions),
    }  # fmt: skip
    assert taken.totals("reason_fraud_dead_letters", "reason") == {
        "bad_record": BAD, "missing_rate": 0, "amount_out_of_range": 0, "unexpected_error": 0, "control": 1
    }  # fmt: skip
    assert taken.totals("outcome_fraud_control_elements", "outcome") == {
        "applied": INSTANCES, "ignored": 0, "refused": INSTANCES
    }  # fmt: skip
    newest_ms = max(decision["event_time_ms"] for decision in decisions)
    lags = taken.values("fraud_event_time_lag_ms")
    assert len(lags) == INSTANCES
    assert all(abs(time.time() * 1_000 - lag - newest_ms) < 3_600_000 for lag in lags)
    slowest = taken.values("fraud_score_time_us_p99")
    assert [round(time) for time in left.values("score_time_us", quantile="0.99")] == slowest
    assert all(20 < time < 1_000_000 for time in slowest)

    forwarded = MetricSettings(forward=True)
    known = {prometheus_name(metric, forwarded) for metric in (*METRICS, *QUANTILES)}
    worth_it = {name.removeprefix(TAKEN) for name in known if name.startswith(TAKEN)}
    assert taken.names() == worth_it - TAKEN_LATER
    hits = Counter(hit for one in decisions for hit in one["rules"]["hits"])
    assert left.totals("rule_hits", "rule") == hits  # any number of rules: they would cost any amount
    assert left.values("control_version", control="thresholds") == [7] * INSTANCES
    assert not {name.rpartition("_")[2] for name in left.names()} & {"records", "transactions", "decisions", "alerts"}
    assert not FORWARDED & left.names()
