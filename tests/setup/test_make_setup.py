"""`make setup` builds the native core when a Rust source has changed, and names what this machine lacks."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.setup.source_tree import copy_of_the_tree, run_make

BUILD = "setup.py -q build_rust --inplace"
TOOLS = ("make", "sh", "find", "ls", "uname", "grep", "env")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree as `make setup` leaves it: all products are newer than the sources."""
    tree = copy_of_the_tree(tmp_path)
    built_s = time.time() + 60
    (tree / ".venv").mkdir()
    for number, product in enumerate((".venv/.packages", "udfs/core/_native.abi3.so", ".venv/.ready")):
        (tree / product).touch()
        os.utime(tree / product, (built_s + number, built_s + number))
    return tree


def newer(path: Path) -> None:
    changed_s = time.time() + 120
    os.utime(path, (changed_s, changed_s))


def steps(tree: Path) -> str:
    """What `make setup` would run."""
    done = run_make(tree, "-n", "setup")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_done_again_and_no_python_source_builds_anything(tree: Path) -> None:
    assert "Nothing to be done" in steps(tree)
    newer(tree / "udfs" / "scoring" / "settings.py")
    newer(tree / "udfs" / "core" / "__init__.py")
    assert "Nothing to be done" in steps(tree)


@pytest.mark.parametrize("source", ["src/lib.rs", "Cargo.toml", "Cargo.lock", "../records/countries.txt"])
def test_a_changed_rust_source_builds_the_core_and_nothing_else(tree: Path, source: str) -> None:
    newer(tree / "udfs" / "core" / source)
    ran = steps(tree)
    assert ran.count(BUILD) == 1
    assert "pip" not in ran


def test_a_changed_lock_installs_all_again(tree: Path) -> None:
    newer(tree / "requirements.lock")
    ran = steps(tree)
    assert "uv pip sync" in ran
    assert "--editable ." in ran


def test_after_clean_only_the_core_is_built(tree: Path) -> None:
    assert run_make(tree, "clean").returncode == 0
    ran = steps(tree)
    assert ran.count(BUILD) == 1
    assert "pip" not in ran


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("python3.11", "make: python3.11 is not on PATH; install Python 3.11 or say make PYTHON=...\n"),
        ("java", "make: java is not on PATH; install a Java 17 runtime (Flink runs on it)\n"),
        ("cargo", "make: cargo is not on PATH; install Rust (rustup.rs)\n"),
    ],
)
def test_what_the_machine_lacks_is_one_line(tmp_path: Path, missing: str, line: str) -> None:
    tree, tools = tmp_path / "tree", tmp_path / "bin"
    tree.mkdir()
    tools.mkdir()
    copy_of_the_tree(tree)
    for name in TOOLS:
        (tools / name).symlink_to(str(shutil.which(name)))
    for name in {"python3.11", "java", "cargo"} - {missing}:
        (tools / name).symlink_to(sys.executable)  # only looked for
    done = run_make(tree, "setup", variables={"PATH": str(tools), "HOME": str(tmp_path)})
    assert done.returncode == 2
    assert done.stdout == line
    assert not (tree / ".venv").exists()
