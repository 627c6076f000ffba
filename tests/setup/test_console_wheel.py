"""Console and SDK from the wheel, in an environment without Flink."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PROGRAM = """
import importlib.util, pathlib, sys
assert importlib.util.find_spec("pyflink") is None
import console.api.app, console.store.store
from client import FraudDetector
with FraudDetector(embedded=pathlib.Path("scorer.sqlite")) as detector:
    found = detector.predict({"transaction_id": "T1", "user_id": "U1", "timestamp": 1767225600000, "amount": 12.5})
print(found.action, found.risk_score)
"""

MODULES_OF_PROCESSES_AND_COMMANDS = (
    "console.rules.preview_process",
    "console.replay_process",
    "console.intake_process",
    "console.server",
    "cli.rules_backtest",
    "cli.rules_effectiveness",
    "models.backtest.effectiveness",
    "models.backtest.parquet_files",
    "models.backtest.replayed",
)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what its extra `console` needs, at the lock's versions."""
    folder = tmp_path_factory.mktemp("console") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    uv = [
        str(Path(sys.executable).with_name("uv")),
        "pip",
        "install",
        "--quiet",
        "--python",
        str(folder / "bin" / "python"),
    ]
    lock = folder.with_name("constraints.txt")
    locked = [line.split(" ")[0] for line in (PROJECT / "requirements.lock").read_text().splitlines() if "==" in line]
    lock.write_text("\n".join(locked) + "\n")
    subprocess.run([*uv, "--constraint", str(lock), f"{wheel}[console]"], check=True, timeout=300)
    return folder


def test_console_and_sdk_decide_without_flink(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "bin" / "python"), "-I", "-c", PROGRAM]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert ran.returncode == 0, ran.stderr
    action, risk_score = ran.stdout.split()
    assert action in ("allow", "refer_to_analyst", "soft_challenge", "hard_block")
    assert 0 <= int(risk_score) <= 1_000


def test_the_command_explains_itself_without_flink(installed: Path) -> None:
    ran = subprocess.run([installed / "bin" / "fraud", "console", "--help"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "127.0.0.1" in ran.stdout


@pytest.mark.parametrize("module", MODULES_OF_PROCESSES_AND_COMMANDS)
def test_what_pages_and_commands_start_has_all_it_needs(installed: Path, module: str, tmp_path: Path) -> None:
    command = [str(installed / "bin" / "python"), "-I", "-c", f"import {module}"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert ran.returncode == 0, ran.stderr


def test_a_console_answers_and_its_decisions_are_exported(installed: Path, tmp_path: Path) -> None:
    fraud = str(installed / "bin" / "fraud")
    process = subprocess.Popen([fraud, "console", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"console at (http://\S+),", line)
        assert found, line
        payment = {"transaction_id": "T1", "user_id": "U1", "timestamp": "2026-01-05T12:00:00Z", "amount": 12.5}
        request = urllib.request.Request(
            f"{found[1]}/v1/decisions", json.dumps(payment).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            decision = json.load(response)
        assert (decision["transaction_id"], decision["user_id"]) == ("T1", "U1")
        with urllib.request.urlopen(f"{found[1]}/", timeout=30) as page:
            assert page.status == 200
    finally:
        process.terminate()
        process.wait(60)
    assert process.returncode in (0, -15), process.returncode
    store = "sqlite:///out/console/store.sqlite"
    for command, told in (
        (["store", "export", "--store", store, "--to", "decisions.parquet"], "1 decision"),
        (["rules", "backtest", "bank", "--over", store], "1 decision"),
    ):
        ran = subprocess.run([fraud, *command], capture_output=True, text=True, cwd=tmp_path, timeout=120)
        assert ran.returncode == 0, ran.stderr
        assert told in " ".join((ran.stdout + ran.stderr).split()), ran.stdout
