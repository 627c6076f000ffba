"""The Java client that `flink run` starts, within which this program runs. PyFlink is imported inside the functions, since
commands that start no job do not need it."""

from __future__ import annotations

import os
import sys

from jobs.flink_internals.jvm import java_class

PYTHON = {"pyflink/java_gateway.py": ("'PYFLINK_GATEWAY_PORT' in os.environ",)}
FRONTEND = "org.apache.flink.client.cli.CliFrontend"
JAVA = {FRONTEND: ("main",)}


def on_cluster() -> bool:
    """Whether this program was started by `flink run`; then a JVM with the cluster's settings exists."""
    return "PYFLINK_GATEWAY_PORT" in os.environ


def end_client(message: str, code: int) -> None:
    """Let the client of `flink run` print the message to stderr and exit with the code; it ends this process, too.

    Returns without doing anything where no such client runs this program: in a local run, and within a JobManager.
    Without this the client prints a stack trace of its own below the message, and exits with 1.
    """
    if not on_cluster():
        return
    from py4j.protocol import Py4JError

    system = java_class("java.lang.System")
    if not str(system.getProperty("sun.java.command")).startswith(FRONTEND):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    system.err.println(message)
    # What the client says of this process, which ends before the client does.
    system.setErr(java_class("java.io.PrintStream")(java_class("java.io.OutputStream").nullOutputStream()))
    try:
        system.exit(code)
    except Py4JError:
        # The client has ended before it answered.
        os._exit(code)
