"""Runs an intake in a process that is killed at random moments, until it has come to its end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random

PROJECT = Path(__file__).parents[3]


def run_with_kills(arguments: list[str], kills: int, longest_seconds: float, seed: int = 1) -> int:
    """Returns how many were killed before their end; the last process ends by itself."""
    random = Random(seed)
    killed = 0
    for turn in range(kills + 1):
        command = [sys.executable, "-m", "tests.console.store.intake_child", *arguments]
        child = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"reads\n"
        if turn == kills:
            assert child.wait(120) == 0
        else:
            time.sleep(random.random() * longest_seconds)
            if child.poll() is None:
                child.kill()
                killed += 1
            child.wait(30)
        child.stdout.close()
    return killed
