"""The native core for the Managed Service for Apache Flink: one extension serves all Pythons from 3.11 on (abi3)."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from cli.errors import UserError

EXTENSION = "udfs/core/_native.abi3.so"
NEWEST_GLIBC = (2, 28)  # as for the wheels of the dependencies (PLATFORM)
X86_64_ELF = b"\x7fELF\x02\x01"
X86_64_MACHINE = b"\x3e\x00"  # e_machine, at byte 18


def read_extension(root: Path, wheel: Path | None = None) -> bytes:
    """The extension module in a wheel of this project, or in the source tree.

    Raises UserError if it is missing, for another machine, or needs a newer glibc than NEWEST_GLIBC.
    """
    place = f"{EXTENSION} in {wheel}" if wheel is not None else EXTENSION
    try:
        if wheel is None:
            extension = (root / EXTENSION).read_bytes()
        else:
            with zipfile.ZipFile(wheel) as archive:
                extension = archive.read(EXTENSION)
    except (KeyError, OSError, zipfile.BadZipFile):
        missing = "`make setup` builds it" if wheel is None else "`make wheel` builds such a wheel"
        raise UserError(f"{place} is missing or cannot be read: {missing}") from None
    _check_machine(place, extension)
    _check_glibc(place, extension)
    return extension


def _check_machine(place: str, extension: bytes) -> None:
    if not extension.startswith(X86_64_ELF) or extension[18:20] != X86_64_MACHINE:
        raise UserError(f"{place} is not for the service's x86-64 Linux: run `make wheel` there and give it by --wheel")


def _check_glibc(place: str, extension: bytes) -> None:
    versions = {(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", extension)}
    newest = max(versions, default=NEWEST_GLIBC)
    if newest > NEWEST_GLIBC:
        needed, served = (".".join(map(str, version)) for version in (newest, NEWEST_GLIBC))
        raise UserError(
            f"{place} needs glibc {needed}, but the service may have {served}: `make wheel` builds one that needs no more, "
            "give it by --wheel (`make package` does both)"
        )
