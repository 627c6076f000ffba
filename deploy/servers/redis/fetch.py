"""Finds a redis-server, or fetches Debian's to .cache/servers/redis (without installation and root).

    python deploy/servers/redis/fetch.py        prints the program's path; on failure one line, exit code 2

Start it with `--bind 127.0.0.1`: by default it listens on all interfaces, where protected mode rejects remote clients
only while no password is set.

Order of search: REDIS_SERVER, redis-server on PATH, packages from `apt-get download`.
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
    "redis-tools",  # contains the server's program too
    "libatomic1", "libcap2", "libgcrypt20", "libgpg-error0", "libjemalloc2", "liblz4-1", "liblzf1", "liblzma5",
    "libssl3", "libsystemd0", "libzstd1",
)  # fmt: skip
WRAPPER = """#!/bin/sh
here=$(dirname "$0")
for libraries in "$here"/root/usr/lib/*-linux-gnu*; do break; done
LD_LIBRARY_PATH="$libraries:$here/root/lib/${libraries##*/}" exec "$here/program/redis-server" "$@"
"""


def redis_server() -> Path:
    """The program's path. Raises RuntimeError with a one-line remedy."""
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
    program = FOLDER / "program" / "redis-server"  # under this name the program runs as the server
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
        output = " ".join((done.stderr or done.stdout).split())[-300:]
        raise RuntimeError(
            f"no redis-server on PATH, and fetching it failed ({command[0]}: {output}): install redis-server"
        )


if __name__ == "__main__":
    try:
        print(redis_server())
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
