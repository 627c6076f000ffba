"""The wheel holds all that runs, and runs without the source tree."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.deploy.scored import scored
from tests.jobs.event_stream import event_lines, write_events

PROJECT = Path(__file__).parents[2]
PACKAGES = (
    "benchmarks",
    "cli",
    "client",
    "console",
    "customers",
    "ingest",
    "jobs",
    "models",
    "reporting",
    "simulator",
    "udfs",
)
EXTENSION = "udfs/core/_native.abi3.so"
NOT_INSTALLED = re.compile(r"udfs/core/(src/|Cargo\.|rustfmt\.toml$|\.gitignore$)")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheel."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*uv, "--python", str(folder / "bin" / "python"), str(wheel)], check=True, timeout=120)
    return folder


def test_the_wheel_is_for_every_python_from_3_11_on(wheel: Path) -> None:
    assert re.fullmatch(r"streaming_fraud_detector-[\d.]+-cp311-abi3-\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith(".so")] == [EXTENSION]


def test_the_wheel_holds_every_file_of_the_packages_but_the_rust_sources(wheel: Path) -> None:
    tree = {
        path.relative_to(PROJECT).as_posix()
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".so", ".part")
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert len(tree) > 400
    expected = {name for name in tree if not NOT_INSTALLED.match(name)}
    assert packed == expected | {EXTENSION, "udfs/core/_native.sha256"}


def test_a_bare_environment_imports_the_core(installed: Path, tmp_path: Path) -> None:
    program = "import udfs.core._native as core; print(core.__file__)"
    command = [str(installed / "bin" / "python"), "-I", "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert Path(ran.stdout.strip()).relative_to(installed).as_posix().endswith(f"site-packages/{EXTENSION}")


def test_the_installed_wheel_decides_like_the_sources(installed: Path, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", event_lines(2_000, seed=11, users=30))
    dependencies = Path(sysconfig.get_path("purelib"))  # of the tree's environment: only packages of others lie there
    found = scored(installed / "bin" / "python", [dependencies], events)
    expected = scored(sys.executable, [PROJECT], events)
    assert Path(found.core).is_relative_to(installed)
    assert found.outputs > 1_500
    assert found[1:] == expected[1:]


def test_the_installed_command_has_its_entry_point(installed: Path) -> None:
    (entry,) = [path for path in (installed / "bin").iterdir() if path.name == "fraud"]
    assert "from cli.main import main" in entry.read_text()
