"""Where set-up takes the native core from: a wheel of the same sources in dist/, or Rust; and the message without either."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
EXTENSION = "udfs/core/_native.abi3.so"
SOURCE = "udfs/core/src/lib.rs"
NO_RUST = (
    "error: the native core is built by Rust, which is not on PATH (cargo, rustc): install it (rustup.rs), or put "
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the extension is built of, without a product."""
    for name in ("setup.py", "build_core.py"):
        shutil.copy2(PROJECT / name, tmp_path / name)
    shutil.copytree(PROJECT / "udfs" / "core", tmp_path / "udfs" / "core", ignore=shutil.ignore_patterns("*.so"))
    (tmp_path / "udfs" / "records").mkdir()
    shutil.copy2(PROJECT / "udfs" / "records" / "countries.txt", tmp_path / "udfs" / "records")  # the core includes it
    (tmp_path / "dist").mkdir()
    return tmp_path


def build_without_rust(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "setup.py", "-q", "build_rust", "--inplace"]
    variables = {name: value for name, value in os.environ.items() if name not in ("CARGO", "PYTHONPATH")}
    variables |= {"PATH": str(tree / "empty"), "HOME": str(tree)}
    return subprocess.run(command, cwd=tree, env=variables, capture_output=True, text=True, timeout=120)


def refusal(tree: Path) -> str:
    done = build_without_rust(tree)
    assert done.returncode == 1
    assert not (tree / EXTENSION).exists()
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_without_rust_and_wheel_one_line_says_what_to_install(tree: Path) -> None:
    assert refusal(tree).startswith(NO_RUST)


def test_a_wheel_of_the_same_sources_needs_no_rust(tree: Path, wheel: Path) -> None:
    shutil.copy(wheel, tree / "dist")
    done = build_without_rust(tree)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the native core is that of dist/{wheel.name}\n"
    with zipfile.ZipFile(wheel) as archive:
        assert (tree / EXTENSION).read_bytes() == archive.read(EXTENSION)
    assert os.access(tree / EXTENSION, os.X_OK)
    assert sorted(path.name for path in (tree / "udfs" / "core").glob("_native*")) == ["_native.abi3.so", "_native.pyi"]


def test_a_wheel_of_other_sources_is_not_taken(tree: Path, wheel: Path) -> None:
    shutil.copy(wheel, tree / "dist")
    source = tree / SOURCE
    source.write_text(source.read_text() + "// changed\n")
    assert refusal(tree).endswith(f"; dist/{wheel.name} was built of other Rust sources\n")


def test_a_new_or_removed_source_is_another_one_and_a_python_file_is_not(tree: Path, wheel: Path) -> None:
    shutil.copy(wheel, tree / "dist")
    (tree / "udfs" / "core" / "src" / "more.rs").touch()
    assert "other Rust sources" in refusal(tree)
    (tree / "udfs" / "core" / "src" / "more.rs").unlink()
    (tree / "udfs" / "core" / "more.py").touch()
    assert build_without_rust(tree).returncode == 0


def test_a_wheel_of_another_version_platform_or_project_is_not_taken(tree: Path, wheel: Path) -> None:
    _, version, *_ = wheel.name.split("-")
    other_version = f"streaming_fraud_detector-{version}.1-cp311-abi3-{wheel.stem.split('-')[-1]}.whl"
    other_platform = f"streaming_fraud_detector-{version}-cp311-abi3-win32.whl"
    for name in (other_version, other_platform, "something-1.0-py3-none-any.whl", "no_wheel.whl"):
        shutil.copy(wheel, tree / "dist" / name)
    said = refusal(tree)
    assert f"; dist/{other_version} is of another version" in said
    assert f"; dist/{other_platform} is for another platform" in said
    assert "something" not in said
    assert "no_wheel" not in said


def test_a_damaged_wheel_is_not_taken(tree: Path, wheel: Path) -> None:
    (tree / "dist" / wheel.name).write_bytes(wheel.read_bytes()[:10_000])
    assert f"dist/{wheel.name} " in refusal(tree)


def test_an_old_glibc_is_only_linked_for_by_zig(tree: Path) -> None:
    command = [sys.executable, "setup.py", "-q", "bdist_wheel"]
    rust = shutil.which("cargo") or str(Path.home() / ".cargo" / "bin" / "cargo")
    variables = os.environ | {"FRAUD_WHEEL_GLIBC": "2.28", "PATH": f"{Path(rust).parent}:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tree, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "FRAUD_WHEEL_GLIBC is set, but cargo-zigbuild is not on PATH: use `make wheel`" in done.stderr


def test_a_core_that_is_not_built_is_named_with_what_builds_it(tree: Path) -> None:
    (tree / "udfs" / "__init__.py").touch()
    ran = subprocess.run(
        [sys.executable, "-c", "import udfs.core"], cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.endswith("ModuleNotFoundError: the native core is not built: run `make setup`\n")
