"""Authentication and encryption against the broker's listeners; credentials come only from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from cli.main import main
from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines, write_events
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import all_text_in
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import PASSWORD, USER, Broker

SCRAM_PASSWORD = "another secret"
EVENTS = 100


def connections(broker: Broker) -> dict[str, dict[str, Any]]:
    trusted = {"ca_file": str(broker.ca_file)}
    return {
        "name and password": {
            "bootstrap_servers": broker.sasl_servers, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN",
        },
        "SCRAM over TLS": {
            "bootstrap_servers": broker.sasl_ssl_servers, "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-256", **trusted, "password_variable": "SCRAM_PASSWORD",
        },
        "TLS": {"bootstrap_servers": broker.ssl_servers, "security_protocol": "SSL", **trusted},
        "mutual TLS": {
            "bootstrap_servers": broker.mutual_servers, "security_protocol": "SSL", **trusted,
            "client_certificate_file": str(broker.client_file),
        },
    }  # fmt: skip


WAYS = ["name and password", "SCRAM over TLS", "TLS", "mutual TLS"]


@pytest.fixture
def credentials(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_USERNAME", USER)
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    monkeypatch.setenv("SCRAM_PASSWORD", SCRAM_PASSWORD)
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_256, SCRAM_PASSWORD.encode())]
    )
    admin.close()


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("way", WAYS)
def test_the_job_reads_and_writes_over_a_secured_listener(
    configure_kafka: ConfigureKafka, broker: Broker, topics: Topics, way: str
) -> None:
    topics.send_events(event_lines(EVENTS))

    result = run(configure_kafka(connections(broker)[way]))

    assert result.counts.records == EVENTS
    assert len(topics.read(topics.decisions)) == result.counts.decisions > 80
    logged = all_text_in(Path(os.environ["FLINK_LOG_DIR"]))  # of the JVM, which another test may have started
    assert "bootstrap.servers" in logged
    for secret in (PASSWORD, SCRAM_PASSWORD, PASSWORD.replace("\\", "\\\\").replace('"', '\\"')):
        assert secret not in logged


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("way", WAYS)
def test_events_are_produced_over_a_secured_listener(broker: Broker, topics: Topics, tmp_path: Path, way: str) -> None:
    lines = event_lines(EVENTS)
    events = write_events(tmp_path / "events.jsonl", lines)
    config = tmp_path / "job.yaml"
    source = {"kind": "kafka", "connection": connections(broker)[way], "topics": [topics.events]}
    config.write_text(yaml.safe_dump({"source": source, "sinks": [{"kind": "discard"}]}))

    result = CliRunner().invoke(main, ["produce", "--config", str(config), "--events", str(events)])

    assert result.exit_code == 0, result.output
    assert sorted(record.value for record in topics.read(topics.events)) == sorted(lines)
    assert PASSWORD not in result.output
