"""Copies of the source tree for tests of the Makefile."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FILES = ("Makefile", "build_core.py", "pyproject.toml", "requirements.lock", "setup.py")


def copy_of_the_tree(target: Path) -> Path:
    """The packages and what sets them up, without what is built."""
    for name in FILES:
        shutil.copy2(PROJECT / name, target / name)
    for package in PROJECT.glob("*/__init__.py"):
        ignore = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(package.parent, target / package.parent.name, ignore=ignore)
    return target


def run_make(tree: Path, *arguments: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=tree,
        env=os.environ | (variables or {}),
        capture_output=True,
        text=True,
        timeout=120,
    )
