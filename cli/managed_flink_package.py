"""Builds the application zip of Amazon's Managed Service for Apache Flink.

main.py            entry point
python/            packages of this project and unpacked wheels, for the service's Python; `pyFiles` names this folder
conf/              configuration files, overridden by runtime properties
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
from cli.managed_flink_core import EXTENSION

PYTHON_VERSION = "3.12"  # of the service's Flink 2.2 and 2.3
PLATFORM = "x86_64-manylinux_2_28"
LARGEST_ZIP_BYTES = 512 * 1_024 * 1_024
ENTRY_TIME = (1980, 1, 1, 0, 0, 0)  # constant, so that the same content gives the same zip
PACKAGES = ("jobs", "udfs", "ingest")
BUNDLES = Path("models", "bundles")
# Imports of the job at run time; PyFlink and its dependencies are part of the service.
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
    """Contents of a package: number of files, names of jars, and size of the zip in bytes."""

    files: int
    jars: tuple[str, ...]
    zip_bytes: int


def project_root() -> Path:
    """The root of the source tree. Raises UserError if the program was installed without it."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "requirements.lock").is_file():
        raise UserError(
            "the package is built from the source tree, but requirements.lock is missing: clone the repository"
        )
    return root


def locked_requirements(lock: Path, names: Sequence[str] = DEPENDENCIES) -> list[str]:
    """`name==version` of each dependency, by the lock. Raises UserError if the lock lacks one."""
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(), flags=re.MULTILINE))
    missing = [name for name in names if name not in locked]
    if missing:
        raise UserError(f"{lock.name} does not have {', '.join(missing)}: run `make lock`")
    return [f"{name}=={locked[name]}" for name in names]


def install_wheels(directory: Path, lock: Path) -> None:
    """Install the dependencies' wheels for the service's Python and platform, in the lock's versions, into a directory.

    Does nothing if the directory is complete for the same lock. Raises UserError if a wheel is not available.
    """
    requirements = locked_requirements(lock)
    stamp = directory / ".complete"
    version = "\n".join([PYTHON_VERSION, PLATFORM, *requirements, lock.read_text()])
    if stamp.is_file() and stamp.read_text() == version:
        return
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise UserError("uv is not installed: run `make setup`")
    shutil.rmtree(directory, ignore_errors=True)
    command = [uv, "pip", "install", "--quiet", "--target", str(directory), "--python-version", PYTHON_VERSION]
    command += [
        "--python-platform",
        PLATFORM,
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--constraint",
        str(lock),
        *requirements,
    ]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0:
        problem = " ".join(finished.stderr.split())[:400]
        raise UserError(f"no wheels of the dependencies for Python {PYTHON_VERSION}: {problem}")
    stamp.write_text(version)


def build(
    out: Path,
    wheels: Path,
    jars: Sequence[Path],
    root: Path,
    extension: bytes,
    on_progress: Callable[[int, int], None] | None = None,
) -> Contents:
    """Write the zip atomically, with `extension` as the native core. Raises UserError if it is larger than the limit."""
    members = list(_members(root, wheels, jars, extension))
    unfinished = out.with_name(f"{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for done, (name, content) in enumerate(members, 1):
                entry = zipfile.ZipInfo(name, ENTRY_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)
                if on_progress is not None:
                    on_progress(done, len(members))
        size = unfinished.stat().st_size
        if size > LARGEST_ZIP_BYTES:
            raise UserError(f"the package has {size:,} bytes; the service's limit is {LARGEST_ZIP_BYTES:,}")
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return Contents(len(members), tuple(jar.name for jar in jars), size)


def _members(
    root: Path, wheels: Path, jars: Sequence[Path], extension: bytes
) -> Iterator[tuple[str, Path | str | bytes]]:
    yield "main.py", MAIN
    for package in PACKAGES:
        for name, path in _tree(_folder(package, root), f"python/{package}"):
            if path.suffix == ".py" or not name.startswith("python/udfs/core/"):  # neither Rust nor what is built of it
                yield name, path
    yield f"python/{EXTENSION}", extension
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
