"""The native core in the package of the Managed Service: what is refused, and that it decides there as here."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.errors import UserError
from cli.main import main
from cli.managed_flink_core import EXTENSION, read_extension
from cli.managed_flink_package import PYTHON_VERSION, build, install_wheels
from tests.deploy.scored import scored
from tests.jobs.event_stream import event_lines, write_events

PROJECT = Path(__file__).parents[2]
WHEELS = PROJECT / ".cache" / "managed-flink-wheels"
X86_64 = b"\x7fELF\x02\x01" + bytes(12) + b"\x3e\x00"
ARM = b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00"


def tree_with(folder: Path, extension: bytes) -> Path:
    path = folder / EXTENSION
    path.parent.mkdir(parents=True)
    path.write_bytes(extension)
    return folder


def wheel_with(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_the_extension_is_that_of_the_tree_or_of_a_wheel(tmp_path: Path) -> None:
    old, older = X86_64 + b" GLIBC_2.28 GLIBC_2.4", X86_64 + b" GLIBC_2.17"
    tree = tree_with(tmp_path, old)
    assert read_extension(tree) == old
    assert read_extension(tree, wheel_with(tmp_path / "a.whl", {EXTENSION: older})) == older


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (
            X86_64 + b"GLIBC_2.17\0GLIBC_2.34\0GLIBC_2.4",
            "needs glibc 2.34, but the service may have 2.28: `make wheel`",
        ),
        (ARM + b"GLIBC_2.17", "is not for the service's x86-64 Linux"),
        (b"\xcf\xfa\xed\xfe", "is not for the service's x86-64 Linux"),
    ],
)
def test_an_extension_that_the_service_cannot_load_is_refused(tmp_path: Path, extension: bytes, words: str) -> None:
    tree = tree_with(tmp_path, extension)
    with pytest.raises(UserError) as of_tree:
        read_extension(tree)
    with pytest.raises(UserError) as of_wheel:
        read_extension(tree, wheel_with(tmp_path / "a.whl", {EXTENSION: extension}))
    for raised in (of_tree, of_wheel):
        assert words in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_missing_extension_names_what_builds_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"_native\.abi3\.so is missing or cannot be read: `make setup` builds it"):
        read_extension(tmp_path)
    (tmp_path / "b.whl").write_bytes(b"no archive")
    for wheel in (wheel_with(tmp_path / "a.whl", {"udfs/__init__.py": b""}), tmp_path / "b.whl"):
        with pytest.raises(
            UserError, match=r"in .*\.whl is missing or cannot be read: `make wheel` builds such a wheel"
        ):
            read_extension(tmp_path, wheel)


def test_a_package_that_cannot_read_zstd_is_told(tmp_path: Path) -> None:
    wheel = wheel_with(tmp_path / "core.whl", {EXTENSION: X86_64 + b"GLIBC_2.17"})
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "flink-sql-connector-kafka-1.jar").write_bytes(b"a jar")
    command = ["package", "msf", "--out", str(tmp_path / "app.zip"), "--jars", str(jars), "--wheel", str(wheel)]
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 0, told.output
    assert told.stderr.splitlines()[-1] == (
        "warning: without zstd-jni-*.jar the job fails at a record compressed by zstd: run `make connectors`"
    )
    (jars / "zstd-jni-1.jar").write_bytes(b"a jar")
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 0, told.output
    assert "jars: flink-sql-connector-kafka-1.jar, zstd-jni-1.jar" in told.stdout
    assert "warning" not in told.stderr
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        assert {"lib/flink-sql-connector-kafka-1.jar", "lib/zstd-jni-1.jar"} <= set(archive.namelist())


def test_the_command_takes_the_core_of_the_wheel_and_packs_none_that_is_refused(tmp_path: Path) -> None:
    core = X86_64 + b"GLIBC_2.28"
    wheel = wheel_with(tmp_path / "good.whl", {EXTENSION: core})
    newer = wheel_with(tmp_path / "newer.whl", {EXTENSION: X86_64 + b"GLIBC_2.36"})
    command = ["package", "msf", "--jars", str(tmp_path), "--out", str(tmp_path / "app.zip"), "--wheel"]
    refused = CliRunner().invoke(main, [*command, str(newer)])
    assert refused.exit_code == 2
    assert "needs glibc 2.36" in refused.output
    assert not (tmp_path / "app.zip").exists()
    done = CliRunner().invoke(main, [*command, str(wheel)])
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        assert archive.read(f"python/{EXTENSION}") == core
        of_core = {name for name in archive.namelist() if name.startswith("python/udfs/core/")}
    python = {path.name for path in (PROJECT / "udfs" / "core").glob("*.py")}
    assert of_core == {f"python/{EXTENSION}"} | {f"python/udfs/core/{name}" for name in python}


def service_python() -> str | None:
    """A Python of the service's version: on PATH, where a shim may name one that is not there, or of pyenv."""
    for python in (f"python{PYTHON_VERSION}", *Path.home().glob(f".pyenv/versions/{PYTHON_VERSION}.*/bin/python")):
        found = shutil.which(python)
        if found and subprocess.run([found, "-c", ""], capture_output=True, timeout=60).returncode == 0:
            return found
    return None


def test_the_package_decides_on_the_services_python_like_the_sources_on_ours(tmp_path: Path) -> None:
    python = service_python()
    if python is None or sys.platform != "linux":
        pytest.skip(f"there is no Python {PYTHON_VERSION} of Linux")
    install_wheels(WHEELS, PROJECT / "requirements.lock")
    build(tmp_path / "app.zip", WHEELS, [], PROJECT, (PROJECT / EXTENSION).read_bytes())
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        archive.extractall(tmp_path / "service")
    events = write_events(tmp_path / "events.jsonl", event_lines(6_000, seed=11, users=60))

    found = scored(python, [tmp_path / "service" / "python"], events)
    expected = scored(sys.executable, [PROJECT], events)

    assert found.core == str(tmp_path / "service" / "python" / EXTENSION)
    assert found.outputs > 5_000
    assert found[1:] == expected[1:]
