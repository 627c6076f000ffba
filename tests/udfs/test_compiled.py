"""What runs compiled runs as Python too, and gives the same bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from tests.jobs.event_stream import event_lines, write_events
from udfs.open_scorer import open_scorer
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.user_log import MemoryUserLogs

PROJECT = Path(__file__).parents[2]
AS_PYTHON = """
import sys
from importlib.machinery import FileFinder, SourceFileLoader
def sources_alone(path):
    if not path.startswith(sys.argv[1] + "/udfs"):
        raise ImportError
    return FileFinder(path, (SourceFileLoader, [".py"]))
sys.path_hooks.insert(0, sources_alone)
sys.path_importer_cache.clear()
import udfs.windows
assert udfs.windows.__file__.endswith("windows.py"), udfs.windows.__file__
from pathlib import Path
from tests.udfs.test_compiled import digest
print(digest(Path(sys.argv[2])))
"""


def digest(events: Path) -> str:
    """Of all outputs with their features."""
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features=True), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)
    outputs = hashlib.sha256()
    for output in replay_outputs(events, scorer, logs):
        outputs.update(output.destination.encode() + output.value + b"\n")
    return outputs.hexdigest()


def test_python_and_its_compiled_form_decide_alike_to_the_byte(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", event_lines(6_000, seed=11, users=60))
    as_python = subprocess.run(
        [sys.executable, "-c", AS_PYTHON, str(PROJECT), str(events)], capture_output=True, text=True, cwd=PROJECT
    )
    assert as_python.returncode == 0, as_python.stderr
    assert as_python.stdout.strip() == digest(events)
