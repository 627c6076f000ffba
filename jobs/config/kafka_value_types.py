"""Validated types of the Kafka sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, NonNegativeInt

from jobs.config.value_types import Takes

_SERVER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")
_TOPIC = re.compile(r"[A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"password|secret|jaas|token|keystore\.key|private.?key|credential", re.IGNORECASE)
LONGEST_TOPIC = 249


def require_no_secrets(properties: Mapping[str, str]) -> None:
    """Raises ValueError if the name of a property suggests a secret; the message does not contain its value."""
    for name in properties:
        if _SECRET.search(name):
            raise ValueError(
                f"properties: {name} holds a secret: remove it; use connection.username_variable and "
                "connection.password_variable, or connection.client_certificate_file"
            )


def _joined(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _servers(value: str) -> str:
    servers = [server.strip() for server in value.split(",")]
    for server in servers:
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[1]) < 65_536:
            raise ValueError(f"{server!r} is not host:port, like localhost:9092")
    return ",".join(servers)


def _topic(value: str) -> str:
    if not value or value in (".", "..") or len(value) > LONGEST_TOPIC or not _TOPIC.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a topic name: letters, digits, dot, hyphen, underscore, {LONGEST_TOPIC} at most"
        )
    return value


def _prefix(value: str) -> str:
    if len(value) > 100 or not _TOPIC.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a prefix of topic names: letters, digits, dot, hyphen, underscore, 100 at most"
        )
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        # The value may be the secret itself: not in the message.
        raise ValueError("is not the name of an environment variable: letters, digits, underscore")
    return value


BootstrapServers = Annotated[str, BeforeValidator(_joined), AfterValidator(_servers), Takes("host:port, …")]
TopicName = Annotated[str, AfterValidator(_topic), Takes("topic name")]
TopicPrefix = Annotated[str, AfterValidator(_prefix), Takes("text")]
VariableName = Annotated[str, AfterValidator(_variable), Takes("name of a variable")]
TopicNames = Annotated[tuple[TopicName, ...], Takes("list of topic names")]
PartitionOffsets = Annotated[dict[NonNegativeInt, NonNegativeInt], Takes("partition numbers with offsets")]
