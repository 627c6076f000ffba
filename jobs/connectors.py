"""The jars of connectors that PyFlink does not bring along."""

from __future__ import annotations

import os
from pathlib import Path

from jobs.config import JobConfig
from jobs.config_errors import ConfigError
from jobs.entity_config import EntityJobConfig

VARIABLE = "FRAUD_CONNECTORS"
DEFAULT = Path(__file__).absolute().parent.parent / ".cache" / "connectors"
JARS = {
    "kafka": "flink-sql-connector-kafka-*.jar",
    "kinesis": "flink-sql-connector-aws-kinesis-streams-*.jar",
}
NAMES = {"kafka": "Kafka", "kinesis": "Kinesis"}


def connector_jars(config: JobConfig | EntityJobConfig, required: bool = True) -> list[str]:
    """Paths of the jars that the configuration's source, sinks and control stream need.

    They are looked for in the directory that the variable FRAUD_CONNECTORS names, or where `make connectors` puts them.
    Raises ConfigError if one is missing, unless it is not `required` (a cluster may have it in its lib).
    """
    kinds: set[str] = {config.source.kind}
    if isinstance(config, JobConfig):
        kinds |= {config.control.kind, *(sink.kind for sink in config.sinks)}
    directory = Path(os.environ.get(VARIABLE) or DEFAULT)
    jars = []
    for kind, pattern in JARS.items():
        if kind not in kinds:
            continue
        found = sorted(directory.glob(pattern))
        if not found and required:
            raise ConfigError(
                f"Flink's {NAMES[kind]} connector ({pattern}) is not in {directory}: run `make connectors`, "
                f"or name the directory that holds it in {VARIABLE}"
            )
        jars += [str(jar) for jar in found[-1:]]
    return jars
