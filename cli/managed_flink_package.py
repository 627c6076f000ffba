"""The zip that Amazon's Managed Service for Apache Flink runs: entry, code, dependencies as unpacked wheels, jars.

main.py            what the service starts
python/            our packages and their dependencies, for the service's own Python; `pyFiles` names this folder
conf/              configuration that runtime properties are laid over
lib/               connectors' jars
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from cli.errors import UserError

PYTHON_VERSION = "3.12"  # of the service's Flink 2.2 and 2.3
PLATFORM = "x86_64-manylinux_2_28"
LARGEST_ZIP_BYTES = 512 * 1_024 * 1_024
ONE_TIME = (1980, 1, 1, 0, 0, 0)  # the same content gives the same zip
PACKAGES = ("jobs", "udfs")
BUNDLES = Path("models", "bundles")
# What the job imports at run time; PyFlink and all that it brings along are the service's own.
DEPENDENCIES = (
    "boto3", "hiredis", "kafka-python", "msgspec", "numpy", "onnxruntime", "pydantic", "pyyaml", "redis", "tzdata",
)  # fmt: skip
MAIN = """\
\"\"\"What the Managed Service for Apache Flink starts.\"\"\"

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
sys.path.insert(0, str(PACKAGE / "python"))

from jobs.managed_flink import main  # noqa: E402

sys.exit(main(PACKAGE))
"""


class Contents(NamedTuple):
    """What a package was made of: files, jars by name, and the size of the zip in bytes."""

    files: int
    jars: tuple[str, ...]
    zip_bytes: int


def project_root() -> Path:
    """The folder of the source tree. Raises UserError where only an installed package is there."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "requirements.lock").is_file():
        raise UserError("the package is built from the source tree (requirements.lock is not there): clone it")
    return root


def locked_requirements(lock: Path, names: Sequence[str] = DEPENDENCIES) -> list[str]:
    """`name==version` of each dependency, as the lock has it. Raises UserError for one that the lock lacks."""
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(), flags=re.MULTILINE))
    missing = [name for name in names if name not in locked]
    if missing:
        raise UserError(f"{lock.name} does not have {', '.join(missing)}: run `make lock`")
    return [f"{name}=={locked[name]}" for name in names]


def install_wheels(directory: Path, lock: Path) -> None:
    """Unpack the dependencies' wheels for the service's Python and platform, at the lock's versions, into a directory.

    What is there already for the same lock stays. Raises UserError where one cannot be had as a wheel.
    """
    requirements = locked_requirements(lock)
    stamp = directory / ".complete"
    wanted = "\n".join([PYTHON_VERSION, PLATFORM, *requirements, lock.read_text()])
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise UserError("uv is not installed: run `make setup`")
    shutil.rmtree(directory, ignore_errors=True)
    command = [uv, "pip", "install", "--quiet", "--target", str(directory), "--python-version", PYTHON_VERSION]
    command += ["--python-platform", PLATFORM, "--only-binary", ":all:", "--constraint", str(lock), *requirements]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0:
        problem = " ".join(finished.stderr.split())[:400]
        raise UserError(f"the dependencies cannot be had as wheels for Python {PYTHON_VERSION}: {problem}")
    stamp.write_text(wanted)


def build(
    out: Path,
    wheels: Path,
    jars: Sequence[Path],
    root: Path,
    compiled: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Contents:
    """Write the zip, whole or not at all; `compiled` has modules for the service's Python, to lie beside their sources.

    Raises UserError where it would be larger than the service takes.
    """
    members = list(_members(root, wheels, jars, compiled))
    unfinished = out.with_name(f"{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for done, (name, content) in enumerate(members, 1):
                entry = zipfile.ZipInfo(name, ONE_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)
                if on_progress is not None:
                    on_progress(done, len(members))
        size = unfinished.stat().st_size
        if size > LARGEST_ZIP_BYTES:
            raise UserError(f"the package has {size:,} bytes; the service takes {LARGEST_ZIP_BYTES:,}")
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return Contents(len(members), tuple(jar.name for jar in jars), size)


def _members(root: Path, wheels: Path, jars: Sequence[Path], compiled: Path | None) -> Iterator[tuple[str, Path | str]]:
    yield "main.py", MAIN
    for package in PACKAGES:
        for name, path in _tree(_folder(package, root), f"python/{package}"):
            if path.suffix != ".so":  # compiled for this machine, not for the service's
                yield name, path
    if compiled is not None:
        yield from _tree(compiled, "python")
    yield "python/models/__init__.py", '"""Bundles only."""\n'
    yield from _tree(root / BUNDLES, f"python/{BUNDLES.as_posix()}")
    yield from _tree(wheels, "python")
    for config in sorted((root / "deploy" / "conf").glob("*.yaml")):
        yield f"conf/{config.name}", config
    for jar in jars:
        yield f"lib/{jar.name}", jar


def _folder(package: str, root: Path) -> Path:
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else root / package


def _tree(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if (
            path.is_file()
            and "__pycache__" not in inside.parts
            and inside.parts[0] not in ("bin", ".complete", ".lock")
        ):
            yield f"{prefix}/{inside.as_posix()}", path
