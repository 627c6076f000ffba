"""Builds the native core for setup.py: `udfs.core._native`, by cargo or out of a wheel in dist/.

A wheel holds the digest of the Rust sources that it was built of, so a build in place (`make setup`) can tell whether one
in dist/ is of these sources; then no Rust is needed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from setuptools.errors import PlatformError
from setuptools_rust import Binding, RustExtension, Strip, build_rust

ROOT = Path(__file__).resolve().parent
CRATE = ROOT / "udfs" / "core"
PACKAGE = "udfs/core"
EXTENSION_NAME = "_native.abi3.so"
DIGEST_NAME = "_native.sha256"
OLDEST_PYTHON = "cp311"
INCLUDED = re.compile(r'\binclude(?:_str|_bytes)?!\s*\(\s*"([^"]+)"\s*,?\s*\)')
GLIBC_VARIABLE = "FRAUD_WHEEL_GLIBC"
"""Environment variable: the oldest glibc that the extension shall run with, e.g. 2.28. Linked by zig, not by the system."""


def native_core() -> RustExtension:
    """The extension module, for the stable interface of Python (abi3)."""
    crate = tomllib.loads((CRATE / "Cargo.toml").read_text())["package"]
    return RustExtension(
        "udfs.core._native",
        path=str(CRATE / "Cargo.toml"),
        args=["--target-dir", str(ROOT / "build" / "core")],
        cargo_manifest_args=["--locked"],
        rust_version=f">={crate['rust-version']}",
        binding=Binding.PyO3,
        strip=Strip.Debug,
        debug=False,  # also in place
        quiet=True,
    )


def wheel_options() -> dict[str, str]:
    """Options of bdist_wheel: the oldest Python, and the platform where a glibc is asked for."""
    glibc = os.environ.get(GLIBC_VARIABLE)
    options = {"py_limited_api": OLDEST_PYTHON}
    if glibc:
        options["plat_name"] = f"manylinux_{glibc.replace('.', '_')}_{platform.machine()}"
    return options


class BuildCore(build_rust):
    """Builds the extension; in place it takes that of a wheel in dist/ where one is of this version and these sources."""

    def run(self) -> None:
        """Raises PlatformError if there is neither a wheel nor Rust, CompileError if cargo fails."""
        # Its option names the file _native.abi3.so, in place as well; an editable install has reset it.
        self.get_finalized_command("bdist_wheel").py_limited_api = OLDEST_PYTHON
        digest = sources_digest()
        refused: list[str] = []
        if self.inplace:
            wheel = _wheel_in(ROOT / "dist", str(self.distribution.get_version()), digest, refused)
            if wheel is not None:
                _take_extension(wheel)
                return
        _find_rust(refused)
        glibc = os.environ.get(GLIBC_VARIABLE)
        if glibc and not self.inplace:
            self._link_by_zig(glibc)
        super().run()
        if not self.inplace:
            build = self.get_finalized_command("build_ext")
            (Path(build.build_lib) / PACKAGE / DIGEST_NAME).write_text(f"{digest}\n")

    def _link_by_zig(self, glibc: str) -> None:
        if shutil.which("cargo-zigbuild") is None:
            raise PlatformError(f"{GLIBC_VARIABLE} is set, but cargo-zigbuild is not on PATH: use `make wheel`")
        about = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
        host = next(line.removeprefix("host: ") for line in about.splitlines() if line.startswith("host: "))
        self.cargo = "cargo-zigbuild"
        for extension in self.extensions:
            extension.args = (*extension.args, "--target", f"{host}.{glibc}")


def sources_digest() -> str:
    """SHA-256 of all that the extension is built of, as hexadecimal digits. Raises PlatformError."""
    digest = hashlib.sha256()
    for path in core_sources():
        content = path.read_bytes()
        name = Path(os.path.relpath(path, CRATE)).as_posix()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def core_sources() -> list[Path]:
    """The crate's files, and those outside of it that its sources include, as tables of names. Raises PlatformError."""
    files = {*CRATE.glob("Cargo.*"), *(path for path in CRATE.glob("src/**/*") if path.is_file())}
    for source in sorted(path for path in files if path.suffix == ".rs"):
        for name in INCLUDED.findall(source.read_text(encoding="utf-8")):
            included = (source.parent / name).resolve()
            if not included.is_file():
                raise PlatformError(f"{source.relative_to(ROOT)} includes {name}, which is missing: restore the file")
            files.add(included)
    return sorted(files)


def _wheel_in(folder: Path, version: str, digest: str, refused: list[str]) -> Path | None:
    """The wheel of this version, platform and sources. Adds to `refused` why another one of this project is not taken."""
    ours = set(sys_tags())
    for path in sorted(folder.glob("*.whl")):
        try:
            name, of_version, _, tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if name != canonicalize_name("streaming-fraud-detector"):
            continue
        if str(of_version) != version:
            refused.append(f"dist/{path.name} is of another version")
        elif not tags & ours:
            refused.append(f"dist/{path.name} is for another platform")
        elif _digest_in(path) != digest:
            refused.append(f"dist/{path.name} was built of other Rust sources")
        else:
            return path
    return None


def _digest_in(wheel: Path) -> str | None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"{PACKAGE}/{DIGEST_NAME}").decode().strip()
    except (KeyError, OSError, UnicodeDecodeError, zipfile.BadZipFile):
        return None


def _take_extension(wheel: Path) -> None:
    """Replace the extension in place by the wheel's, as a new file: running programs keep the old one."""
    unfinished = CRATE / f"{EXTENSION_NAME}.part"
    with zipfile.ZipFile(wheel) as archive:
        unfinished.write_bytes(archive.read(f"{PACKAGE}/{EXTENSION_NAME}"))
    unfinished.chmod(0o755)
    unfinished.replace(CRATE / EXTENSION_NAME)
    print(f"the native core is that of dist/{wheel.name}")


def _find_rust(refused: list[str]) -> None:
    """Put cargo on PATH if rustup installed it and the shell was not started again. Raises PlatformError without Rust."""
    installed = Path.home() / ".cargo" / "bin"
    if shutil.which("cargo") is None and (installed / "cargo").exists():
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), str(installed)])
    missing = [name for name in ("cargo", "rustc") if shutil.which(name) is None]
    if missing:
        reasons = "".join(f"; {reason}" for reason in refused)
        raise PlatformError(
            f"the native core is built by Rust, which is not on PATH ({', '.join(missing)}): install it (rustup.rs), or "
            f"put a wheel of these sources into dist/ (`make wheel` where there is Rust){reasons}"
        )
