"""Finds a Chromium for the tests of the console's pages, or fetches Debian's to .cache/servers/chromium (without
installation and root).

    python deploy/servers/chromium/fetch.py        prints the program's path; on failure one line, exit code 2

Order of search: CHROMIUM, chromium and chromium-headless-shell on PATH, packages from `apt-get download`.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / ".cache" / "servers" / "chromium"
PACKAGE = "chromium-headless-shell"
FONT = "fonts-dejavu-core"
WRAPPER = """#!/bin/sh
root=$(dirname "$0")/root
for libraries in "$root"/usr/lib/*-linux-gnu*; do break; done
export LD_LIBRARY_PATH="$libraries:$libraries/pulseaudio:$root/lib/${libraries##*/}"
exec "$root/usr/lib/chromium/chromium-headless-shell" "$@"
"""
SIMULATED_INSTALLATION = re.compile(r"^Inst (\S+)", re.MULTILINE)


def chromium() -> Path:
    """The program's path. Raises RuntimeError with a one-line remedy."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which(PACKAGE)
    if found:
        return Path(found)
    wrapper = FOLDER / "chromium"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrapper.exists():
            _fetch(wrapper)
    return wrapper


def _fetch(wrapper: Path) -> None:
    """Fetch the package, a font, and those of its libraries that this machine lacks."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise RuntimeError("no chromium on PATH and no apt-get to fetch it with: install Chromium")
    simulated = _run(["apt-get", "install", "--simulate", "--no-install-recommends", PACKAGE, FONT], FOLDER)
    with tempfile.TemporaryDirectory() as downloads:
        _run(["apt-get", "download", "-qq", *SIMULATED_INSTALLATION.findall(simulated)], Path(downloads))
        for package in Path(downloads).glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(FOLDER / "root")], FOLDER)
    started = wrapper.with_name(".chromium")
    started.write_text(WRAPPER)
    started.chmod(0o755)
    _run([str(started), "--no-sandbox", "--dump-dom", "about:blank"], FOLDER)
    started.rename(wrapper)


def _run(command: list[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode:
        output = " ".join((done.stderr or done.stdout).split())[-300:]
        raise RuntimeError(f"no chromium on PATH, and fetching it failed ({command[0]}: {output}): install chromium")
    return done.stdout


if __name__ == "__main__":
    try:
        print(chromium())
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
