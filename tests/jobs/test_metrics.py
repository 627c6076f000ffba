"""Metrics in Flink's Prometheus reporter equal the numbers of the job's outputs."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from jobs.score_transactions import start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines
from tests.jobs.prometheus import Scrape, free_port, reporter
from udfs.metrics.catalogue import METRICS
from udfs.metrics.names import PROMETHEUS_PREFIX, prometheus_name
from udfs.metrics.table import markdown_table
from udfs.records.outputs import ACTIONS, TAGS

EVENTS = 4_000
BAD = 30
KIOSKS = 7
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_metrics_of_a_running_job_are_those_of_its_outputs(configure: Configure, tmp_path: Path) -> None:
    lines = event_lines(EVENTS, seed=11) + [b"not an event"] * BAD
    last = json.loads(lines[EVENTS - 1]) | {"type": "transaction", "amount": 5.0, "channel": "Kiosk"}
    lines += [json.dumps(last | {"transaction_id": f"K{number}"}).encode() for number in range(KIOSKS)]
    directory, port = tmp_path / "control", free_port()
    directory.mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", lines),
        flink={"parallelism": 2, "extra": {**PROMPT, **reporter(port)}},
        control={"kind": "file", "path": str(directory), "poll_interval_ms": 50},
    )

    job = start(config)  # it runs on after the last record, since the control directory is watched
    wait_for_records(job, len(lines))
    time.sleep(1.5)  # the last counts are told a second after
    scrape = Scrape(port)
    job.stop_with_savepoint(str(tmp_path / "savepoints"))

    records = [json.loads(line) for line in written_lines(tmp_path / "out", "decisions")]
    decisions = [record for record in records if record["type"] == "decision"]
    alerts = written_lines(tmp_path / "out", "alerts")
    users = {json.loads(line)["user_id"] for line in lines[:EVENTS]}
    assert sum(scrape.values("records")) == len(lines)
    assert sum(scrape.values("transactions")) == len(decisions) > 3_000
    assert sum(scrape.values("duplicates")) == len(records) - len(decisions) > 10
    assert sum(scrape.values("alerts")) == len(alerts) > 10
    assert sum(scrape.values("flags")) == len(written_lines(tmp_path / "out", "flags")) > 10
    tags = Counter(tag for decision in decisions for tag in decision["tags"])
    assert scrape.totals("tag_tags", "tag") == {tag: tags[tag] for tag in (*TAGS, "duplicate_differs")}
    assert sum(scrape.values("late")) == sum(decision["late"] for decision in decisions)
    actions = Counter(decision["action"] for decision in decisions)
    assert scrape.totals("action_decisions", "action") == {action: actions[action] for action in ACTIONS}
    assert scrape.totals("reason_dead_letters", "reason") == {
        "bad_record": BAD, "missing_rate": 0, "amount_out_of_range": 0, "unexpected_error": 0, "control": 0
    }  # fmt: skip
    assert scrape.totals("field_unknown_codes", "field") == {
        "channel": KIOSKS, "entry_mode": 0, "merchant_country": 0, "country": 0
    }  # fmt: skip
    assert set(scrape.totals("field_dropped_fields", "field").values()) == {0}
    assert scrape.totals("rule_hits", "rule") == Counter(hit for one in decisions for hit in one["rules"]["hits"])
    assert scrape.totals("status_enrichment", "status") == {
        "ok": 0,
        "stale": 0,
        "degraded": 0,
        "not_configured": len(decisions),
    }
    assert scrape.totals("outcome_control_elements", "outcome") == {"applied": 0, "ignored": 0, "refused": 0}
    assert sum(scrape.values("users_cached")) == sum(scrape.values("state_misses")) == len(users)
    newest_ms = max(decision["event_time_ms"] for decision in decisions)
    assert all(abs(time.time() * 1_000 - lag - newest_ms) < 3_600_000 for lag in scrape.values("event_time_lag_ms"))
    assert all(20 < median < 20_000 for median in scrape.values("score_time_us", quantile="0.5"))
    known = {prometheus_name(metric).removeprefix(PROMETHEUS_PREFIX) for metric in METRICS}
    assert scrape.names() <= known
    # Nothing was published, and files do not tell when a line arrived.
    in_shadow = {"rule_shadow_hits", "set_shadow_differs", "set_shadow_errors"}
    assert known - scrape.names() == {"control_version", "arrival_lag_ms"} | in_shadow


def test_the_documentation_lists_every_metric() -> None:
    assert markdown_table() in DOCUMENTATION.read_text()
