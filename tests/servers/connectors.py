"""Flink's connectors, from Maven on the first use."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def fetch_connectors() -> None:
    """As `make connectors`."""
    script = PROJECT / "deploy" / "fetch_jars.sh"
    directories = (PROJECT / "deploy" / "connectors", PROJECT / ".cache" / "connectors")
    subprocess.run([str(script), *map(str, directories)], check=True, timeout=300)
