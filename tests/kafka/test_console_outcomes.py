"""An outcome on the console's pages, through the events topic, in the features of the job's next decision."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx

from tests.console.api.serving import console_process, payment, wait_for
from tests.console.cases.outcomes import close_as, prior_frauds, written_rules
from tests.jobs.job_process import job_process
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.test_console_beside_job import until_decided, written
from tests.servers.kafka_broker import Broker


def test_an_outcome_reaches_the_job_and_a_block_its_control_topic(
    broker: Broker, configure_kafka: ConfigureKafka, tmp_path: Path
) -> None:
    replies, control = f"replies-{uuid4().hex[:8]}", f"control-{uuid4().hex[:8]}"
    broker.create_topics(PARTITIONS, replies)
    broker.create_topics(1, control)
    connection = {"bootstrap_servers": broker.servers}
    config = configure_kafka(
        source={"until": "never"},
        scoring={"log_features": "packed", "rules": written_rules(tmp_path)},
        replies={"kind": "kafka", "connection": connection, "topic": replies},
        control={"kind": "kafka", "connection": connection, "topic": control},
    )
    file = written(config, tmp_path / "job.yaml")
    with (
        console_process(tmp_path, "--config", str(file), "--deadline-ms", "2000") as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
        job_process(config, tmp_path / "job"),
    ):
        user = {"user_id": f"U-{uuid4().hex[:6]}"}

        def decide(event: dict[str, object]) -> httpx.Response:
            return client.post("/v1/decisions", json=event)

        alert = until_decided(decide, payment(**user, amount=900))
        assert alert["action"] == "refer_to_analyst"
        close_as(client, alert["decision_id"], "fraud")
        wait_for(lambda: "Label sent: Fraud." in client.get(f"/alerts/{alert['decision_id']}").text)
        # The label is known from now on, in event time.
        now_ms = [int(item["at_ms"]) for item in _labels(client, user["user_id"])]
        assert prior_frauds(client, **user, timestamp=max(now_ms) + 1_000) == 1

        token = client.get("/").text.partition('name="csrf-token" content="')[2].partition('"')[0]
        form = {
            "kind": "user",
            "value": user["user_id"],
            "change": "block",
            "reason": "FRAUD",
            "days": "30",
            "csrf": token,
        }
        panel = client.post("/block-list", data=form)
        assert panel.status_code == 200, panel.text
        assert "Blocked: FRAUD" in panel.text
        blocked = []

        def is_blocked() -> bool:
            answer = decide(payment(**user, timestamp=max(now_ms) + 2_000 + len(blocked)))
            blocked.append(answer.json()["action"])
            return blocked[-1] == "hard_block"

        wait_for(is_blocked)
        again = client.post("/block-list", data={**form, "change": "unblock", "note": "a mistake"})
        assert "Not on the block list" in again.text
        assert "user unblocked" in client.get("/system").text


def _labels(client: httpx.Client, user_id: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []

    def is_there() -> bool:
        items = client.get(f"/v1/users/{user_id}/timeline").json()["items"]
        found.extend(item for item in items if item["kind"] == "label")
        return bool(found)

    wait_for(is_there)
    return found
