"""`make test-python`: what fails is run once more, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TESTS = """
from pathlib import Path

import pytest

def run_of(name):
    with Path("runs.txt").open("a") as runs:
        runs.write(name + "\\n")
    return Path("runs.txt").read_text().splitlines().count(name)

def test_passes():
    run_of("passes")

def test_fails_once():
    assert run_of("fails once") > 1

@pytest.mark.timed
def test_timed_passes():
    run_of("timed passes")

@pytest.mark.timed
def test_timed_fails_once():
    assert run_of("timed fails once") > 1

@pytest.mark.long
def test_long():
    run_of("long")
"""


def make_test_python(folder: Path, tests: str) -> tuple[int, list[str]]:
    """The exit code, and the tests that ran, in alphabetical order."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_some.py").write_text(tests)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    command = ["make", "--no-print-directory", "--old-file=setup", "test-python"]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return result.returncode, sorted((folder / "runs.txt").read_text().splitlines())


def test_what_failed_is_run_once_more(tmp_path: Path) -> None:
    code, runs = make_test_python(tmp_path, TESTS)
    assert runs == ["fails once", "fails once", "passes", "timed fails once", "timed fails once", "timed passes"]
    assert code == 0


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    code, runs = make_test_python(tmp_path, TESTS.replace('run_of("fails once") > 1', 'run_of("fails once") > 2'))
    assert runs.count("fails once") == 2
    assert code == 2


def test_nothing_is_run_again_after_all_passed(tmp_path: Path) -> None:
    code, runs = make_test_python(tmp_path, TESTS.replace("> 1", "> 0"))
    assert runs == ["fails once", "passes", "timed fails once", "timed passes"]
    assert code == 0
