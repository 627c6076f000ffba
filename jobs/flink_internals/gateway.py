"""Starts the JVM of this process, with a token that py4j asks for on both sides.

PyFlink's own gateway asks for none: whoever reaches its ports, as every user of the machine does, could run code. PyFlink is
imported inside the function, since commands that start no job do not need it.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

PYTHON = {
    "pyflink/java_gateway.py": (
        "_gateway = None",
        "from pyflink.pyflink_gateway_server import launch_gateway_server_process",
        "p = launch_gateway_server_process(env, args)",
        "from py4j.java_gateway import (java_import, logger, JavaGateway, GatewayParameters,",
        "gateway_parameters=GatewayParameters(port=gateway_port, auto_convert=True),",
        "callback_server_parameters=CallbackServerParameters(",
        'env["_PYFLINK_CONN_INFO_PATH"] = conn_info_file',
        'gateway_port = struct.unpack("!I", info.read(4))[0]',
        '"PYFLINK_GATEWAY_DISABLED" in os.environ',
    ),
    "py4j/java_gateway.py": (
        "self.deque = deque()",
        "connection = self.deque.pop()",
        "except IndexError:",
        "self.deque.append(connection)",
        "size = len(self.deque)",
    ),
    "pyflink/pyflink_gateway_server.py": (
        "env.get('JVM_ARGS', '').split()",
        'env.get("HADOOP_CLASSPATH", "")',
        "FLINK_LOG_DIR",
        "FLINK_CONF_DIR",
        "*program_args.other_args,",
        "stdin=PIPE, stderr=PIPE",
    ),
}
COMPILER = "org.codehaus.janino.SimpleCompiler"
SERVER = "org.apache.flink.api.python.shaded.py4j.GatewayServer"
CALLBACKS = "org.apache.flink.api.python.shaded.py4j.CallbackClient"
JAVA = {
    COMPILER: ("main",),
    SERVER: ("authToken", "getListeningPort", "resetCallbackClient", "start"),
    CALLBACKS: ("authToken", "copyWith"),
    "org.apache.flink.client.python.PythonEnvUtils": ("setGatewayServer", "resetCallbackClient"),
}
SOURCE = Path(__file__).absolute().parent / "java" / "AuthenticatedGateway.java"


def is_java_running() -> bool:
    """Whether the JVM of this process has been started."""
    import pyflink.java_gateway as java_gateway

    return java_gateway._gateway is not None


def launch_java(class_path: list[str], options: list[str], on_start: Callable[[IO[bytes]], None]) -> None:
    """Start the JVM of this process with additional jars on its class path, and Java options without spaces.

    Raises RuntimeError if Java does not start.

    `on_start` gets the JVM's stderr and must have it read: a full pipe blocks the JVM. PYFLINK_GATEWAY_DISABLED keeps
    Python inside the JVM from starting another JVM, as some methods of PyFlink do. PyFlink puts no variable but
    HADOOP_CLASSPATH on the class path. The JVM gets the token by its standard input, where nobody else can read it.
    """
    import pyflink.java_gateway as java_gateway

    token = secrets.token_hex(32)
    launch = java_gateway.launch_gateway_server_process

    def launch_with_token(variables: dict[str, str], arguments: list[str]) -> Any:
        jars = os.pathsep.join([*filter(None, [variables.get("HADOOP_CLASSPATH")]), *class_path])
        java = " ".join([*filter(None, [variables.get("JVM_ARGS")]), *options])
        own = {"PYFLINK_GATEWAY_DISABLED": "1", "HADOOP_CLASSPATH": jars, "JVM_ARGS": java}
        process = launch(variables | own, ["-c", COMPILER, "local", str(SOURCE), SOURCE.stem])
        on_start(process.stderr)
        process.stdin.write(f"{token}\n".encode())
        process.stdin.flush()
        return process

    replaced = {
        "launch_gateway_server_process": launch_with_token,
        "GatewayParameters": partial(java_gateway.GatewayParameters, auth_token=token),
        "CallbackServerParameters": partial(java_gateway.CallbackServerParameters, auth_token=token),
    }
    originals = {name: getattr(java_gateway, name) for name in replaced}
    _set(java_gateway, replaced)
    try:
        java_gateway.get_gateway()._gateway_client.deque = IdleConnections()
    finally:
        _set(java_gateway, originals)


class IdleConnections(threading.local):
    """The idle connections of each Python thread, in place of py4j's pool for all threads.

    A connection is a thread of the JVM. From the pool, a second Python thread (also the garbage collector in it, which
    tells the JVM of dropped objects) takes the connection that the first one used, and the first one goes on in another
    thread of the JVM. Flink's planner keeps its state in the JVM's thread, and fails with a NullPointerException in another.
    """

    def __init__(self) -> None:
        self._connections: list[Any] = []

    def append(self, connection: Any) -> None:
        self._connections.append(connection)

    def pop(self) -> Any:
        """The one used last. Raises IndexError if this thread has none."""
        return self._connections.pop()

    def __len__(self) -> int:
        return len(self._connections)


def _set(module: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(module, name, value)
