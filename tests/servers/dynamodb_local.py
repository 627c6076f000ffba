"""DynamoDB Local on a free port, in memory: killed and started again it has no tables."""

from __future__ import annotations

import http.client
from pathlib import Path

from tests.servers.processes import PROJECT, ServerProcess, fetched, free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true"}


class DynamoDBLocal(ServerProcess):
    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        jars = fetched("deploy/servers/dynamodb/fetch.py")
        server = str(PROJECT / "deploy" / "servers" / "dynamodb" / "OnLoopback.java")
        java = ["java", "-Xmx256m", f"-Djava.library.path={jars}", "-cp", f"{jars}/*", server]
        super().__init__(
            [*java, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(self.port)], directory, self._answered
        )

    def _answered(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status > 0
        except OSError:
            return False
        finally:
            connection.close()
