"""What a Python decides about a file of events, with the packages that it finds on a path."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from models.default_bundle import DEFAULT_BUNDLE

SCORE = """
import hashlib, json, sys
import udfs.core._native as core
from udfs.records.outputs import Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
logs, outputs, events = MemoryUserLogs(), hashlib.sha256(), 0
scorer = open_scorer(ScorerConfig(), ScorerPaths(bundle=sys.argv[2]), logs)
for line in open(sys.argv[1], "rb").read().splitlines():
    logs.set_current_key(json.loads(line)["user_id"])
    for output in scorer.process(line, logs.key, None, Origin("events")):
        outputs.update(output.destination.encode() + output.value)
        events += 1
print(core.__file__, events, outputs.hexdigest())
"""


class Scored(NamedTuple):
    """The core's file, the number of outputs and their digest."""

    core: str
    outputs: int
    digest: str


def scored(python: str | Path, path: list[Path], events: Path) -> Scored:
    """Outputs of the shipped bundle over the events, in order. `path` are folders of packages, the first one first."""
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [str(python), "-c", SCORE, str(events), str(DEFAULT_BUNDLE)]
    ran = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=events.parent, timeout=300)
    assert ran.returncode == 0, ran.stderr
    core, outputs, digest = ran.stdout.split()
    return Scored(core, int(outputs), digest)
