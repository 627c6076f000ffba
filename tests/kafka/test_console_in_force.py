"""Rules published on a running job's control topic: on the console's pages, in its API, and in the job's decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from click.testing import CliRunner

from cli.main import main
from tests.console.api.serving import console_process, payment, wait_for
from tests.console.cases.outcomes import RULES, written_rules
from tests.jobs.job_process import job_process
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.test_console_beside_job import until_decided, written
from tests.servers.kafka_broker import Broker
from udfs.scoring.bundle import read_manifest


def test_pages_beside_a_job_follow_its_rules_and_bundle(
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
    manifest = read_manifest(config.scoring.bundle)
    with (
        console_process(tmp_path, "--config", str(file), "--deadline-ms", "2000") as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
        job_process(config, tmp_path / "job"),
    ):

        def get(path: str) -> Any:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.json()

        def decide(event: dict[str, object]) -> httpx.Response:
            return client.post("/v1/decisions", json=event)

        def in_force() -> tuple[int, str]:
            (rule,) = get("/v1/rules")["in_force"]["rules"]
            return get("/v1/versions")["rules_version"], rule["when"]

        assert in_force() == (1, "amount > 500")
        assert get("/v1/bundles")["in_force"] == manifest.version
        first = until_decided(decide, payment(user_id="U-first", amount=900))

        newer = tmp_path / "newer.yaml"
        newer.write_text(RULES.replace("version: 1", "version: 7").replace("500", "700"))
        published = CliRunner().invoke(
            main, ["control", "publish", "--config", str(file), "--rules", str(newer), "--yes"]
        )
        assert published.exit_code == 0, published.output
        wait_for(lambda: in_force() == (7, "amount > 700"))
        assert "The newest decision was made by version 1." in client.get("/rules").text

        found: list[dict[str, Any]] = []

        def is_decided_by_newer() -> bool:
            found.append(until_decided(decide, payment(user_id=f"U-{len(found)}", amount=800)))
            wait_for(lambda: client.get(f"/alerts/{found[-1]['decision_id']}").status_code == 200)
            reported = get("/v1/versions")["newest_decision"]
            return bool(reported["rules_version"] == 7 and reported["control_versions"]["rules"] == 7)

        wait_for(is_decided_by_newer, 60)
        rules = client.get("/rules").text
        assert "outcomes, version 7" in rules
        assert "amount &gt; 700" in rules
        assert "The newest decision was made by" not in rules

        # Each alert has the condition that it was decided by, with the value that was compared.
        for decision_id, condition, amount in ((first, "amount > 500", "900"), (found[-1], "amount > 700", "800")):
            page = client.get(f"/alerts/{decision_id['decision_id']}").text
            assert condition.replace(">", "&gt;") in page
            assert f"<code>amount</code> = {amount}" in page
            assert "The condition is not known here" not in page
            assert "this decision was made by version" not in page
        models = client.get("/models").text
        assert manifest.version in models
        assert "Importance of features" in models
