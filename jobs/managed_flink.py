"""Entry point on Amazon's Managed Service for Apache Flink, called by `main.py` of the application package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jobs.config.application_properties import PROPERTIES_FILE, load_managed_config
from jobs.config.errors import ConfigError
from jobs.runtime.connectors import VARIABLE
from jobs.runtime.failures import JobFailed
from jobs.score_transactions import start, tell_rules_without_input


def main(package: Path, properties_file: Path = PROPERTIES_FILE) -> int:
    """Submit the scoring job and return. `package`: directory of the unpacked application package.

    Exit code 0, or 2 with one line on stderr, which the service writes to the application's log, as it does warnings of
    rules that lack their input.
    """
    os.environ.setdefault(VARIABLE, str(package / "lib"))
    try:
        config = load_managed_config(package, properties_file)
        tell_rules_without_input(config)
        start(config)
    except (ConfigError, JobFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
