"""The job publishes its alerts to SNS, with attributes that subscriptions filter by."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.score_transactions import run
from tests.aws.alert_queue import AlertQueue
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import written_lines
from tests.servers.moto_server import MotoServer
from udfs.alerts.message import score_band

EVENTS = 1_000


def test_every_alert_reaches_the_queue_once_and_filters_match(
    configure: Configure, moto: MotoServer, queue: AlertQueue, tmp_path: Path
) -> None:
    blocked = queue.subscribe({"action": ["hard_block"]})
    high = queue.subscribe({"score_band": ["200", "300"], "risk_score": [{"numeric": [">=", 200]}]})
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(EVENTS, seed=2)),
        scoring={"thresholds": {"refer_to_analyst": 150, "soft_challenge": 180, "hard_block": 220}},
        sinks=[
            {"kind": "files", "directory": str(tmp_path / "out")},
            {"kind": "sns", "topic_arn": queue.topic_arn, "endpoint": moto.endpoint},
        ],
        flink={"parallelism": 2},
    )

    run(config)  # the input ends before the last alerts' time is over: they are published all the same

    alerts = [line.decode() for line in written_lines(tmp_path / "out", "alerts")]
    received = queue.take_all()
    assert sorted(message.body for message in received) == sorted(alerts)
    assert len(alerts) > 50
    for message in received:
        alert = json.loads(message.body)
        assert message.attributes["action"] == alert["action"]
        assert message.attributes["risk_score"] == str(alert["risk_score"])
        assert message.attributes["score_band"] == score_band(alert["risk_score"])
        assert json.loads(message.attributes.get("flags", "[]")) == alert["flags"]
    of_blocked = {message.body for message in queue.take_all(blocked)}
    assert of_blocked == {alert for alert in alerts if json.loads(alert)["action"] == "hard_block"} != set()
    of_high = {message.body for message in queue.take_all(high)}
    assert of_high == {alert for alert in alerts if json.loads(alert)["risk_score"] >= 200} != set()
    assert written_lines(tmp_path / "out", "dead-letters") == []
