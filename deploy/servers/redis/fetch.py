"""Finds a redis-server, or fetches Debian's into .cache/servers/redis (nothing is installed, no root is needed).

    python deploy/servers/redis/fetch.py        prints the path of the program; exit code 2 and one line if there is none

Start it with `--bind 127.0.0.1`: by itself it listens on all interfaces, and there refuses strangers only as long as it
has no password (protected mode).

REDIS_SERVER names another one; else redis-server on PATH is taken; else `apt-get download` fetches its packages.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / ".cache" / "servers" / "redis"
PACKAGES = (
    "redis-tools",  # holds the program of the server too
    "libatomic1", "libcap2", "libgcrypt20", "libgpg-error0", "libjemalloc2", "liblz4-1", "liblzf1", "liblzma5",
    "libssl3", "libsystemd0", "libzstd1",
)  # fmt: skip
WRAPPER = """#!/bin/sh
here=$(dirname "$0")
for libraries in "$here"/root/usr/lib/*-linux-gnu*; do break; done
LD_LIBRARY_PATH="$libraries:$here/root/lib/${libraries##*/}" exec "$here/program/redis-server" "$@"
"""


def redis_server() -> Path:
    """The program to start. Raises RuntimeError with one line that says what to install."""
    found = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
    if found:
        return Path(found)
    wrapper = FOLDER / "redis-server"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrapper.exists():
            _fetch(wrapper)
    return wrapper


def _fetch(wrapper: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise RuntimeError("no redis-server on PATH and no apt-get to fetch it with: install Redis 6 or later")
    with tempfile.TemporaryDirectory() as downloads:
        _run(["apt-get", "download", "-qq", *PACKAGES], Path(downloads))
        for package in Path(downloads).glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(FOLDER / "root")], FOLDER)
    (FOLDER / "program").mkdir(exist_ok=True)
    program = FOLDER / "program" / "redis-server"  # by this name the program is the server
    program.unlink(missing_ok=True)
    program.symlink_to(FOLDER / "root" / "usr" / "bin" / "redis-check-rdb")
    started = wrapper.with_name(".redis-server")
    started.write_text(WRAPPER)
    started.chmod(0o755)
    _run([str(started), "--version"], FOLDER)
    started.rename(wrapper)


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode:
        told = " ".join((done.stderr or done.stdout).split())[-300:]
        raise RuntimeError(
            f"no redis-server on PATH, and fetching it failed ({command[0]}: {told}): install redis-server"
        )


if __name__ == "__main__":
    try:
        print(redis_server())
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
