"""Locates the connector jars, which are not part of PyFlink."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.kafka import KafkaSink

VARIABLE = "FRAUD_CONNECTORS"
DEFAULT = Path(__file__).absolute().parents[2] / ".cache" / "connectors"
JARS = {
    "kafka": "flink-sql-connector-kafka-*.jar",
    "kinesis": "flink-sql-connector-aws-kinesis-streams-*.jar",
}
NAMES = {"kafka": "Kafka", "kinesis": "Kinesis"}
ZSTD = "zstd-jni-*.jar"


def connector_jars(config: JobConfig | EntityJobConfig, required: bool = True) -> list[str]:
    """Paths of the jars that the configuration's source, sinks and control stream need.

    They are searched in the directory given by the environment variable FRAUD_CONNECTORS, by default that of
    `make connectors`. Raises ConfigError if one is missing and `required` (a cluster may have it in its lib directory).
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
                f"Flink's {NAMES[kind]} connector ({pattern}) is missing in {directory}: run `make connectors`, "
                f"or set {VARIABLE} to the directory that holds it"
            )
        jars += [str(jar) for jar in found[-1:]]
        if kind == "kafka":
            jars += _zstd(directory, required and _writes_zstd(config))
    return jars


def lacks_zstd(names: Sequence[str]) -> bool:
    """Whether jars of these names read Kafka, but no records that are compressed by zstd."""
    return any(fnmatch(name, JARS["kafka"]) for name in names) and not any(fnmatch(name, ZSTD) for name in names)


def _zstd(directory: Path, required: bool) -> list[str]:
    """The library of zstd, which Flink's Kafka connector lacks; any topic may hold records compressed by it."""
    found = sorted(directory.glob(ZSTD))
    if not found and required:
        raise ConfigError(
            f"sinks: compression: zstd needs {ZSTD}, which is missing in {directory}: run `make connectors`, "
            "or give another compression"
        )
    return [str(jar) for jar in found[-1:]]


def _writes_zstd(config: JobConfig | EntityJobConfig) -> bool:
    sinks = config.sinks if isinstance(config, JobConfig) else ()
    return any(isinstance(sink, KafkaSink) and sink.compression == "zstd" for sink in sinks)
