"""Scorers that are opened by several threads at once, as slots of a TaskManager do it, do not end the process.

msgspec 0.22 describes a struct when its first decoder is made, and a thread that decodes by it meanwhile crashes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from tests.udfs.rules.test_population import STATISTICS

PROGRAM = """
import sys, threading
from models.default_bundle import DEFAULT_BUNDLE
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=sys.argv[1], statistics=sys.argv[2])
sys.setswitchinterval(1e-6)
together, opened = threading.Barrier(6), []

def open_one():
    together.wait()
    opened.append(open_scorer(ScorerConfig(), paths, MemoryUserLogs(), SYSTEM_CLOCKS))

threads = [threading.Thread(target=open_one) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(opened))
"""


def test_six_threads_open_scorers_at_once(tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text('{"user_id": "U1", "home_country": "US"}\n')
    (tmp_path / "block_list.jsonl").write_text('{"type": "device", "value": "D1"}\n')
    statistics = tmp_path / "statistics.json"
    statistics.write_bytes(msgspec.json.encode(STATISTICS))
    for _ in range(4):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(statistics)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3])
        assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr[-500:]
