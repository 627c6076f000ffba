"""Health, metrics and logs."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from console.answers.embedded_log import read_records
from console.api.logs import set_up_logs
from console.api.metrics import ApiMetrics
from tests.console.api.serving import PROJECT, Serving, payment, serving, wait_for


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_requests_by_route_and_the_stores_writes(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        for _ in range(3):
            running.client.post("/v1/decisions", json=payment(user_id="U-metric"))
        running.client.post("/v1/decisions", json={})
        running.client.get("/v1/users/U-metric/timeline")
        running.client.get("/nothing/U-metric")
        running.client.request("PROPFIND", "/v1/decisions")
        wait_for(lambda: running.services.store_lag() == 0)
        time.sleep(0.2)  # the process that writes tells of it afterwards
        found = samples(running.client.get("/metrics").text)

    def requests(method: str, route: str, status: str) -> float:
        return found["fraud_api_requests_total", (("method", method), ("route", route), ("status", status))]

    assert requests("POST", "/v1/decisions", "200") == 3
    assert requests("POST", "/v1/decisions", "422") == 1
    assert requests("GET", "/v1/users/{user_id}/timeline", "200") == 1
    assert requests("GET", "unmatched", "404") == 1
    assert requests("other", "/v1/decisions", "405") == 1
    assert found["fraud_api_request_seconds_count", (("route", "/v1/decisions"),)] == 5
    logged = read_records(tmp_path / "scorer.sqlite", 0, 100)
    assert [record.topic for record in logged].count("decisions") == 3
    assert found["fraud_store_written_records_total", ()] == len(logged)
    assert found["fraud_store_lag_records", ()] == 0
    assert "U-metric" not in str(found)


def test_readiness_tells_of_a_lost_store_and_of_its_return(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert running.client.get("/readyz").status_code == 200
        database = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE name = 'positions'")]
        assert tables == ["positions"]
        database.execute("ALTER TABLE positions RENAME TO lost")
        answer = running.client.get("/readyz")
        assert (answer.status_code, answer.headers["retry-after"], answer.json()["store"]) == (503, "2", "not_ready")
        decided = running.client.post("/v1/decisions", json=payment(user_id="U-lost")).json()
        database.execute("ALTER TABLE lost RENAME TO positions")
        database.close()
        assert running.client.get("/readyz").status_code == 200
        wait_for(lambda: running.client.get(f"/v1/decisions/{decided['decision_id']}").status_code == 200)


def test_the_documents_table_has_all_metrics() -> None:
    section = (PROJECT / "docs" / "metrics.md").read_text().split("## The console\n")[1]
    told = dict(re.findall(r"^\| `(fraud_\w+)` \| (\w+)", section, re.MULTILINE))
    made = {
        family.name + "_total" * (family.type == "counter"): family.type for family in ApiMetrics().registry.collect()
    }
    assert told == made
    assert len(made) == 9


def test_a_lag_that_is_not_known_is_no_lag_of_zero_and_no_failure(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        wait_for(lambda: running.services.store_lag() == 0)
        ready = running.client.get("/readyz").json()
        assert (ready["store_lag_records"], ready["reply_lag_seconds"]) == (0, None)
        found = samples(running.client.get("/metrics").text)
        assert math.isnan(found["fraud_api_reply_lag_seconds", ()])
        log = tmp_path / "scorer.sqlite"
        log.rename(tmp_path / "elsewhere.sqlite")
        try:
            answers = {path: running.client.get(path) for path in ("/readyz", "/metrics", "/system")}
        finally:
            (tmp_path / "elsewhere.sqlite").rename(log)
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/readyz": 200, "/metrics": 200, "/system": 200,
    }  # fmt: skip
    assert answers["/readyz"].json()["store_lag_records"] is None
    assert math.isnan(samples(answers["/metrics"].text)["fraud_store_lag_records", ()])


def test_logs_are_json_with_request_ids_and_without_personal_data(shared: Serving) -> None:
    stream = io.StringIO()
    set_up_logs("debug", stream)
    headers = {"X-Request-Id": "logged-1"}
    event = payment(user_id="U-secret", merchant_id="M-secret", ip_address="203.0.113.77", city="Secretville")
    shared.client.post("/v1/decisions", json=event, headers=headers)
    shared.client.post("/v1/decisions", json={**event, "amount": 1}, headers=headers)
    shared.client.get("/v1/users/U-secret/timeline", headers=headers)
    shared.client.get("/v1/decisions", params={"user_id": "U-secret"}, headers=headers)
    wait_for(lambda: stream.getvalue().count("logged-1") == 4)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    requests = [line for line in lines if line.get("request_id") == "logged-1"]
    assert [(line["level"], line["route"], line["status"]) for line in requests] == [
        ("debug", "/v1/decisions", 200),
        ("info", "/v1/decisions", 409),
        ("debug", "/v1/users/{user_id}/timeline", 200),
        ("debug", "/v1/decisions", 200),
    ]
    assert all(line["duration_ms"] > 0 and line["key"] == "local" and line["timestamp"] for line in requests)
    assert not re.search("secret|203.0.113|Secretville", stream.getvalue(), re.IGNORECASE)


def writers_of(folder: Path) -> list[int]:
    """Processes that write the store of this folder: they have it open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"console.intake_process" in (process / "cmdline").read_bytes():
                files = [os.readlink(link) for link in (process / "fd").iterdir()]
                found += [int(process.name)] * (str(folder / "store.sqlite") in files)
    return found


def test_the_process_that_writes_the_store_is_started_again_after_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        first = running.client.post("/v1/decisions", json=payment(user_id="U-killed")).json()
        wait_for(lambda: running.services.store_lag() == 0)
        writers = writers_of(tmp_path)
        for pid in writers:
            os.kill(pid, signal.SIGKILL)
        assert writers
        second = running.client.post("/v1/decisions", json=payment(user_id="U-killed")).json()
        wait_for(lambda: running.services.store_lag() == 0)
        listed = running.client.get("/v1/decisions", params={"user_id": "U-killed"}).json()["items"]
    assert [one["decision_id"] for one in listed] == [second["decision_id"], first["decision_id"]]
