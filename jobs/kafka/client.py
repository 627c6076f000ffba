"""Converts a connection section to the settings of the Java client, kafka-python and librdkafka.

User name and password are read from the environment on each call; messages never contain them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from jobs.config.errors import ConfigError
from jobs.config.kafka import SASL, TLS, KafkaConnection

SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security"
_LOGIN_MODULES = {
    "PLAIN": f"{SHADED}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{SHADED}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{SHADED}.scram.ScramLoginModule",
}


def java_properties(connection: KafkaConnection, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Properties of Flink's Java client. Raises ConfigError if user name or password is not in the environment."""
    properties = {
        "bootstrap.servers": connection.bootstrap_servers,
        "security.protocol": connection.security_protocol,
    }
    if connection.security_protocol in TLS:
        if connection.ca_file is not None:
            properties |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": connection.ca_file}
        if connection.client_certificate_file is not None:
            properties |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": connection.client_certificate_file}
        if not connection.verify_hostname:
            properties["ssl.endpoint.identification.algorithm"] = ""
    if connection.security_protocol in SASL and connection.sasl_mechanism is not None:
        name, password = _credentials(connection, environment)
        properties |= {
            "sasl.mechanism": connection.sasl_mechanism,
            "sasl.jaas.config": f"{_LOGIN_MODULES[connection.sasl_mechanism]} required "
            f"username={_jaas_text(name)} password={_jaas_text(password)};",
        }
    return properties


def python_settings(connection: KafkaConnection, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Arguments of a kafka-python client. Raises ConfigError if user name or password is not in the environment."""
    logging.getLogger("kafka").setLevel(logging.INFO)  # at DEBUG it would log the password
    settings: dict[str, Any] = {
        "bootstrap_servers": connection.bootstrap_servers.split(","),
        "security_protocol": connection.security_protocol,
    }
    if connection.security_protocol in TLS:
        settings |= {"ssl_check_hostname": connection.verify_hostname, "ssl_cafile": connection.ca_file}
        if connection.client_certificate_file is not None:
            settings["ssl_certfile"] = connection.client_certificate_file
    if connection.security_protocol in SASL:
        name, password = _credentials(connection, environment)
        settings |= {
            "sasl_mechanism": connection.sasl_mechanism,
            "sasl_plain_username": name,
            "sasl_plain_password": password,
        }
    return settings


def librdkafka_settings(
    connection: KafkaConnection, environment: Mapping[str, str] | None = None
) -> dict[str, str | bool]:
    """Settings of a confluent-kafka client. Raises ConfigError if user name or password is not in the environment."""
    settings: dict[str, str | bool] = {
        "bootstrap.servers": connection.bootstrap_servers,
        "security.protocol": connection.security_protocol,
    }
    if connection.security_protocol in TLS:
        if connection.ca_file is not None:
            settings["ssl.ca.location"] = connection.ca_file
        if (both := connection.client_certificate_file) is not None:
            settings |= {"ssl.certificate.location": both, "ssl.key.location": both}
        if not connection.verify_hostname:
            settings["ssl.endpoint.identification.algorithm"] = "none"
    if connection.security_protocol in SASL and connection.sasl_mechanism is not None:
        name, password = _credentials(connection, environment)
        settings |= {
            "sasl.mechanism": connection.sasl_mechanism,
            "sasl.username": name,
            "sasl.password": password,
        }
    return settings


def _credentials(connection: KafkaConnection, environment: Mapping[str, str] | None) -> tuple[str, str]:
    variables = os.environ if environment is None else environment
    found = []
    for variable in (connection.username_variable, connection.password_variable):
        value = variables.get(variable, "")
        if not value:
            raise ConfigError(
                f"environment variable {variable} is not set: it must hold the SASL user name or password for Kafka"
            )
        if any(character in value for character in "\r\n\0"):
            raise ConfigError(f"environment variable {variable} contains a line break or NUL: remove it")
        found.append(value)
    return found[0], found[1]


def _jaas_text(value: str) -> str:
    """A quoted JAAS string, with backslashes and quotes escaped."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
