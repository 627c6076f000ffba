"""Determinism: equal configurations produce equal bytes in any process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from simulator.config import SimulatorConfig
from simulator.generate import simulate

PROJECT = Path(__file__).parents[2]
PROGRAM = """
import sys
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
write(simulate(SimulatorConfig(users=150, days=12, seed=int(sys.argv[2]), multi_currency=True)), sys.argv[1])
"""


def _digest(folder: Path, seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", PROGRAM, str(folder), str(seed)], env=environment, check=True, cwd=PROJECT)
    digest = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 10
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def test_processes_with_different_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    assert _digest(tmp_path / "a", 5, "1") == _digest(tmp_path / "b", 5, "4242")


def test_different_seeds_give_different_events() -> None:
    lines = [set(simulate(SimulatorConfig(users=30, days=5, seed=seed)).events) for seed in (1, 2)]
    assert len(lines[0] & lines[1]) < 0.01 * len(lines[0])


def test_events_can_be_iterated_repeatedly() -> None:
    events = simulate(SimulatorConfig(users=30, days=5)).events
    assert list(events) == list(events) == [line for chunk in events.chunks() for line in chunk]
    assert len(list(events)) == len(events)


def test_legitimate_payments_do_not_depend_on_the_patterns() -> None:
    """All but those dropped for frauds are equal, whichever patterns run."""
    legitimate = []
    for pattern in ("burst", "structuring"):
        simulation = simulate(SimulatorConfig(users=100, days=10, patterns=(pattern,), refund_share=0.0))
        records = [record for record in simulation.truth if not record.is_fraud]
        legitimate.append({(record.user_id, record.timestamp, record.amount) for record in records})
    assert len(legitimate[0] & legitimate[1]) > 0.97 * len(legitimate[0])
