"""Copies DynamoDB Local from Maven to .cache/servers/dynamodb and prints the folder; on failure one line, exit code 2.

python deploy/servers/dynamodb/fetch.py

OnLoopback.java in this folder starts it on 127.0.0.1; by default it listens on all interfaces.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[2] / ".cache" / "servers" / "dynamodb"


def dynamodb_local() -> Path:
    """The folder of jars and native libraries. Raises RuntimeError with a one-line remedy."""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with (FOLDER.parent / ".dynamodb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = FOLDER / ".complete"
        if not done.exists():
            _fetch()
            done.touch()
    return FOLDER


def _fetch() -> None:
    if shutil.which("mvn") is None:
        raise RuntimeError("fetching DynamoDB Local requires Maven, but mvn is not on PATH: install Maven")
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    fetched = subprocess.run([*command, f"-DoutputDirectory={FOLDER}"], capture_output=True, text=True)
    if fetched.returncode:
        output = " ".join((fetched.stdout + fetched.stderr).split())[-300:]
        raise RuntimeError(f"Maven could not fetch DynamoDB Local: {output}")


if __name__ == "__main__":
    try:
        print(dynamodb_local())
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
