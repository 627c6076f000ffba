"""Logging in and encryption against the broker's own listeners; credentials come from the environment alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines
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
    }  # fmt: skip


@pytest.mark.parametrize("way", ["name and password", "SCRAM over TLS", "TLS"])
def test_the_job_reads_and_writes_over_a_secured_listener(
    configure_kafka: ConfigureKafka,
    broker: Broker,
    topics: Topics,
    log_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    monkeypatch.setenv("KAFKA_USERNAME", USER)
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    monkeypatch.setenv("SCRAM_PASSWORD", SCRAM_PASSWORD)
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_256, SCRAM_PASSWORD.encode())]
    )
    admin.close()
    topics.send_events(event_lines(EVENTS))

    result = run(configure_kafka(connections(broker)[way]))

    assert result.counts.records == EVENTS
    assert len(topics.read(topics.decisions)) == result.counts.decisions > 80
    logged = all_text_in(log_directory)
    assert "bootstrap.servers" in logged
    for secret in (PASSWORD, SCRAM_PASSWORD, PASSWORD.replace("\\", "\\\\").replace('"', '\\"')):
        assert secret not in logged
