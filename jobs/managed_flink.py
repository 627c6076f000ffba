"""The scoring job as an application of Amazon's Managed Service for Apache Flink: `main.py` of its package calls it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jobs.application_properties import PROPERTIES_FILE, load_managed_config
from jobs.config_errors import ConfigError
from jobs.connectors import VARIABLE
from jobs.failures import JobFailed
from jobs.score_transactions import start


def main(package: Path, properties_file: Path = PROPERTIES_FILE) -> int:
    """Submit the job and return: the service watches it. `package` is the directory that the zip was unpacked into.

    Exit code 0, or 2 with one line on stderr, which the service shows in the application's log.
    """
    os.environ.setdefault(VARIABLE, str(package / "lib"))
    try:
        start(load_managed_config(package, properties_file))
    except (ConfigError, JobFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
