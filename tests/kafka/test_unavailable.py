"""Problems with brokers, topics or credentials are one-line errors before the job is submitted; exit code 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import jobs.kafka.administration
from jobs.config.errors import ConfigError
from jobs.kafka.check import check_kafka
from jobs.score_transactions import main
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import PASSWORD, USER, Broker
from tests.servers.ports import free_ports


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.kafka.administration, "ANSWER_SECONDS", 1)
    monkeypatch.setenv("KAFKA_USERNAME", USER)
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)


def error_message(configure_kafka: ConfigureKafka, connection: dict[str, Any] | None = None, **sections: Any) -> str:
    with pytest.raises(ConfigError) as error:
        check_kafka(configure_kafka(connection, **sections))
    message = str(error.value)
    assert "\n" not in message
    assert PASSWORD not in message
    return message


def test_a_refused_connection_is_exit_code_2_with_one_line(
    configure_kafka: ConfigureKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(configure_kafka({"bootstrap_servers": nobody}).model_dump(mode="json")))

    assert main(["--config", str(file)]) == 2

    *warnings, error = capsys.readouterr().err.splitlines(keepends=True)
    assert all(line.startswith("warning: not configured: ") for line in warnings)
    assert error == (f"error: Kafka at {nobody}: connection refused; start the broker, or correct bootstrap_servers\n")


def test_an_unknown_host_and_a_silent_one_are_distinguished(configure_kafka: ConfigureKafka) -> None:
    unknown = error_message(configure_kafka, {"bootstrap_servers": "broker.invalid:9092"})
    assert unknown == "Kafka at broker.invalid:9092: unknown host name; correct bootstrap_servers"


def test_a_paused_broker_is_reported_as_not_responding(configure_kafka: ConfigureKafka, broker: Broker) -> None:
    config = configure_kafka()
    broker.pause()
    try:
        with pytest.raises(ConfigError, match="no response; start the broker, or correct bootstrap_servers"):
            check_kafka(config)
    finally:
        broker.go_on()


def test_missing_topics_are_named(configure_kafka: ConfigureKafka, broker: Broker, topics: Topics) -> None:
    message = error_message(configure_kafka, source={"topics": ["nowhere"]}, sink={"topic_prefix": "none."})
    assert message == (
        f"Kafka at {broker.servers} has no topic nowhere, none.decisions, none.alerts, none.flags, none.dead-letters: "
        "correct the name, or create it with `fraud topics create --config FILE`"
    )


def test_a_wrong_password_is_reported_without_it(
    configure_kafka: ConfigureKafka, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {"bootstrap_servers": broker.sasl_servers, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}
    monkeypatch.setenv("KAFKA_PASSWORD", "wrong")
    assert "check the environment variables KAFKA_USERNAME and KAFKA_PASSWORD" in error_message(configure_kafka, login)
    scram = error_message(configure_kafka, {**login, "sasl_mechanism": "SCRAM-SHA-256"})
    assert "check the environment variables KAFKA_USERNAME and KAFKA_PASSWORD" in scram
    unknown = error_message(configure_kafka, {**login, "sasl_mechanism": "SCRAM-SHA-512"})
    assert "sasl_mechanism SCRAM-SHA-512" in unknown
    monkeypatch.delenv("KAFKA_PASSWORD")
    assert error_message(configure_kafka, login) == (
        "environment variable KAFKA_PASSWORD is not set: it must hold the SASL user name or password for Kafka"
    )


def test_tls_errors_are_explained(configure_kafka: ConfigureKafka, broker: Broker) -> None:
    tls = {"bootstrap_servers": broker.ssl_servers, "security_protocol": "SSL"}
    assert "certificate is not trusted: set ca_file to the PEM file of its CA" in error_message(configure_kafka, tls)
    other_name = broker.ssl_servers.replace("127.0.0.1", "localhost")
    by_name = error_message(configure_kafka, {**tls, "bootstrap_servers": other_name, "ca_file": str(broker.ca_file)})
    assert "host name does not match the certificate" in by_name
    plain = error_message(configure_kafka, {**tls, "bootstrap_servers": broker.servers})
    assert "does not use TLS on this port" in plain
    encrypted = error_message(configure_kafka, {"bootstrap_servers": broker.sasl_servers})
    assert "the listener is probably not PLAINTEXT; set security_protocol" in encrypted


def test_undeliverable_outputs_are_reported_at_the_start(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    too_large = error_message(configure_kafka, sink={"max_request_bytes": 3 << 20})
    assert too_large.startswith(f"topic {topics.dead_letters} accepts records up to 2097152 bytes, but ")
    exactly_once = {
        "guarantee": "exactly-once", "transactional_id_prefix": "x", "transaction_timeout_ms": 1_000_000,
    }  # fmt: skip
    too_long = error_message(configure_kafka, sink=exactly_once, state={"checkpoint_dir": str(tmp_path)})
    assert "is above the brokers' transaction.max.timeout.ms 900000" in too_long
    offsets = error_message(configure_kafka, source={"start": "offsets", "start_offsets": {0: 1, 9: 1}})
    assert offsets == f"source.start_offsets: topic {topics.events} has partitions 0 to 3: give an offset for each"


def test_without_the_connectors_jar_the_make_target_is_named(
    configure_kafka: ConfigureKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.runtime.environment import flink_settings

    monkeypatch.setenv("FRAUD_CONNECTORS", str(tmp_path))
    with pytest.raises(ConfigError, match=r"Kafka connector .* is missing in .*: run `make connectors`, or set"):
        flink_settings(configure_kafka())
