"""The wheel of the source tree, built once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as by `make wheel`, but linked as the system does; cargo has the crate built already, by `make setup`."""
    folder = tmp_path_factory.mktemp("wheel")
    elsewhere = folder / "elsewhere.cfg"  # of the tree only build/core is used
    elsewhere.write_text(
        f"[build]\nbuild_base = {folder / 'build'}\n[egg_info]\negg_base = {folder}\n"
        f"[bdist_wheel]\nbdist_dir = {folder / 'unpacked'}\n"
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(folder), str(PROJECT)],
        env=os.environ | {"DIST_EXTRA_CONFIG": str(elsewhere)},
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built
