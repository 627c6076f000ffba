"""Flink's connectors and plugins, from Maven on the first use."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def fetch_connectors() -> None:
    """As `make connectors`, without Kinesis' own, which not every Maven repository has."""
    _fetch("connectors", "connectors")


def fetch_plugins() -> None:
    """As `make connectors`: Flink's plugin for S3."""
    _fetch("plugins", "plugins/s3-fs-hadoop")


def _fetch(pom: str, folder: str) -> None:
    script = PROJECT / "deploy" / "fetch_jars.sh"
    directories = (PROJECT / "deploy" / pom, PROJECT / ".cache" / folder)
    subprocess.run([str(script), *map(str, directories)], check=True, timeout=300)
