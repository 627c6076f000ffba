"""A clock of a process of its own, by libfaketime (package `libfaketime` or `faketime` of the system)."""

from __future__ import annotations

from pathlib import Path

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")


def clock_environment(clock_file: Path) -> dict[str, str]:
    """Environment of a process whose time of day is the system's plus what the file says, for example `+3600`.

    The file is read once a second, and monotonic clocks are the system's: as when an operator or NTP sets the time. Raises
    LookupError where libfaketime is not installed.
    """
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        raise LookupError("libfaketime is not installed: apt install libfaketime")
    clock_file.write_text("+0\n")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock_file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
