"""The hot path in C for the service's Python, where this machine has that Python with its headers and a C compiler.

A compiled module has the form of one version of Python: what `make setup` compiled for ours is of no use there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.errors import UserError
from cli.managed_flink_package import PYTHON_VERSION, locked_requirements

DEFAULT_PYTHON = f"python{PYTHON_VERSION}"
MACHINE = "linux-x86_64"
NEWEST_GLIBC = (2, 28)  # of the wheels beside it (PLATFORM)
SETUPTOOLS = "setuptools==84.2.1"  # Python 3.12 brings none along, and the lock has none
SOURCES = ("setup.py", "pyproject.toml", "udfs")
PROBE = """
import json, os, shutil, sys, sysconfig
compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
headers = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print(json.dumps(["%d.%d" % sys.version_info[:2], sysconfig.get_platform(), headers, shutil.which(compiler)]))
"""


class CannotCompile(Exception):
    """This machine lacks something; the message says what."""


def find_compiler(python: str) -> str:
    """The C compiler of a Python that can compile for the service. Raises CannotCompile."""
    try:
        ran = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=60)
        version, machine, has_headers, compiler = json.loads(ran.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise CannotCompile(f"{python} cannot be run") from None
    if (version, machine) != (PYTHON_VERSION, MACHINE):
        raise CannotCompile(f"{python} is {version} on {machine}; the service's is {PYTHON_VERSION} on {MACHINE}")
    if not has_headers or compiler is None:
        raise CannotCompile(f"{python} has no {'C compiler' if has_headers else 'headers (Python.h)'}")
    return str(compiler)


def compile_hot_path(python: str, root: Path, wheels: Path, cache: Path) -> Path:
    """A folder with the compiled modules, placed as their sources are in `root`, and the library that all are in.

    Compiled among the service's wheels, since mypyc reads the types of what is imported. What `cache` has of the same
    sources stays. Raises CannotCompile, and UserError where it fails or could not be loaded by the service.
    """
    found = shutil.which(python)
    python = os.path.abspath(found) if found else python
    compiler = find_compiler(python)
    lock = root / "requirements.lock"
    tools = [*locked_requirements(lock, ("mypy",)), SETUPTOOLS]
    compiled, stamp = cache / "modules", cache / ".complete"
    wanted = _fingerprint(root, [python, *tools])
    if stamp.is_file() and stamp.read_text() == wanted:
        return compiled
    shutil.rmtree(cache, ignore_errors=True)
    _run(["uv", "pip", "install", "--quiet", "--target", str(cache / "tools"), "--python", python, "--only-binary",
          ":all:", "--constraint", str(lock), *tools])  # fmt: skip
    with TemporaryDirectory() as directory:
        build = Path(directory)
        _copy(_sources(root), root, build)
        surroundings = {
            "PYTHONPATH": os.pathsep.join([str(cache / "tools"), str(wheels)]),
            "LDSHARED": f"{compiler} -shared",  # without the path of this Python's own libraries
        }
        _run([python, "setup.py", "-q", "build_ext", "--inplace", "--force"], build, surroundings)
        made = [*build.glob("fraud__mypyc*.so"), *build.glob("udfs/**/*.so")]
        if not made:
            raise UserError(f"{python} compiled nothing, although it has headers and a C compiler")
        for path in made:
            _check_glibc(path)
        _copy(made, build, compiled)
    stamp.write_text(wanted)
    return compiled


def _sources(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        yield from (path,) if path.is_file() else sorted([*path.rglob("*.py"), *path.glob("*.c")])


def _copy(paths: Iterable[Path], root: Path, target: Path) -> None:
    """Each to the same place below the target as it has below the root."""
    for path in paths:
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _fingerprint(root: Path, more: list[str]) -> str:
    content = hashlib.sha256(repr(more).encode())
    for path in _sources(root):
        content.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return content.hexdigest()


def _check_glibc(library: Path) -> None:
    """Raises UserError for a library that asks for a newer C library than the wheels do."""
    asked = {(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", library.read_bytes())}
    if max(asked, default=NEWEST_GLIBC) > NEWEST_GLIBC:
        newest = ".".join(map(str, max(asked)))
        raise UserError(f"{library.name} needs glibc {newest}: compile on an older system, or say --plain")


def _run(command: list[str], directory: Path | None = None, surroundings: dict[str, str] | None = None) -> None:
    beside = str(Path(sys.executable).parent)  # uv is there
    path = os.pathsep.join([beside, os.environ.get("PATH", "")])
    variables = os.environ | {"PATH": path} | (surroundings or {})
    finished = subprocess.run(
        [shutil.which(command[0], path=path) or command[0], *command[1:]],
        cwd=directory, env=variables, capture_output=True, text=True,
    )  # fmt: skip
    if finished.returncode != 0:
        raise UserError(f"{' '.join(command[:3])} failed: {' '.join(finished.stderr.split())[-400:]}")
