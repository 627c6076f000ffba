"""SNS, SQS, S3 and Kinesis on this machine by moto, as a process of its own that can be paused and killed."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path
from typing import Any

import boto3

from tests.servers.processes import ServerProcess, free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true"}
NO_CBOR = {"CBOR_ENABLED": "false"}
"""Of Flink's JVM, which must have it from its start: moto's Kinesis does not speak CBOR, the SDK's default there."""
REGION = "us-east-1"
ACCOUNT = "123456789012"


class MotoServer(ServerProcess):
    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        program = Path(sys.executable).parent / "moto_server"
        super().__init__([str(program), "-H", "127.0.0.1", "-p", str(self.port)], directory, self._answered)

    def client(self, service: str) -> Any:
        """A patient client of its own, for looking at what the code under test has done."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def _answered(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/moto-api/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
