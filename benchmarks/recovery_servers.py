"""Servers of the recovery matrix: Kafka, Redis, DynamoDB and SNS, each also behind a link that can be cut; a small disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from benchmarks.kafka_bench import Testbed, simulate_events, write_config
from benchmarks.network_link import NetworkLink
from benchmarks.processes import PROJECT, Running, free_port, is_listening, kafka_broker, python, start, wait_until

SERVERS = PROJECT / "deploy" / "servers"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true"}
LISTENERS = """\
listeners=PLAINTEXT://127.0.0.1:BROKER_PORT,LINK://127.0.0.1:{behind},CONTROLLER://127.0.0.1:CONTROL_PORT
advertised.listeners=PLAINTEXT://127.0.0.1:BROKER_PORT,LINK://127.0.0.1:{link}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,LINK:PLAINTEXT,CONTROLLER:PLAINTEXT
"""


class Server:
    """A server on a port of its own, and the link to it; killed and started again it has lost what it held."""

    def __init__(self, command: list[str], log: Path, port: int) -> None:
        self.port = port
        self.link = NetworkLink(free_port(), port)
        self._command = command
        self._log = log
        self._running: Running | None = None

    @property
    def pid(self) -> int:
        if self._running is None:
            raise RuntimeError(f"{self._command[0]} was not started")
        return self._running.process.pid

    def start(self) -> None:
        """Blocks until it listens. Raises TimeoutError, ProcessEnded."""
        self._running = start(self._command, self._log)
        wait_until(lambda: is_listening(self.port), 60, self._command[0], self._running)

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()

    def end(self) -> None:
        """Ends server and link."""
        self.link.close()
        self.kill()


class Servers(NamedTuple):
    """All servers of the matrix. The testbed's addresses are direct ones; what a cell's job uses is up to the cell."""

    testbed: Testbed
    kafka_link: NetworkLink
    redis: Server
    dynamodb: Server
    sns: Server

    @property
    def kafka_directory(self) -> Path:
        return self.testbed.work / "kafka"

    @property
    def broker_pid(self) -> int:
        return int((self.kafka_directory / "pid").read_text())

    @property
    def kafka_through_link(self) -> str:
        return f"127.0.0.1:{self.kafka_link.port}"

    @property
    def sns_endpoint(self) -> str:
        """Of a job, through the link."""
        return f"http://127.0.0.1:{self.sns.link.port}"

    def dynamodb_store(self) -> dict[str, Any]:
        """The section `store` of a job that reads DynamoDB through the link."""
        endpoint = f"http://127.0.0.1:{self.dynamodb.link.port}"
        return {"kind": "dynamodb", "region": REGION, "endpoint": endpoint, "holds_histories": True}

    def load_store(self, config: Path) -> None:
        """What `fraud load` does: the reference data into the configuration's store."""
        _run(python("cli.main", "load", str(self.testbed.reference), "--config", str(config)))


@contextmanager
def start_servers(work: Path, live: int, users: int, with_aws: bool) -> Iterator[Servers]:
    """Simulates `live` transactions to a file and starts the servers with the reference data; stops them on exit.

    `with_aws`: DynamoDB and SNS are started, too.
    """
    os.environ |= CREDENTIALS
    with ExitStack() as stack:
        kafka_port, behind = free_port(), free_port()
        listeners = work / "listeners.properties"
        listeners.write_text(LISTENERS.format(behind=behind, link=kafka_port))
        address = stack.enter_context(kafka_broker(work / "kafka", listeners))
        link = NetworkLink(kafka_port, behind)
        stack.callback(link.close)
        redis, dynamodb, sns = _redis(work), _dynamodb(work), _moto(work)
        for server in (redis, dynamodb, sns):
            stack.callback(server.end)
        redis.start()
        files = (work / "backlog.jsonl", work / "live.jsonl", work / "reference")
        testbed = Testbed(work, address, redis.port, redis.pid, *files)
        simulate_events(testbed, 1, live, users)
        servers = Servers(testbed, link, redis, dynamodb, sns)
        servers.load_store(write_config(testbed, "load"))
        if not with_aws:
            yield servers
            return
        for server in (dynamodb, sns):
            server.start()
        patient = {"timeout_ms": 10_000, "connect_timeout_ms": 10_000, "patience_ms": 60_000}
        store = servers.dynamodb_store() | patient
        loading = write_config(testbed._replace(redis_port=None), "load-dynamodb", store=store)
        _run(python("cli.main", "store", "init", "--config", str(loading)))
        servers.load_store(loading)
        yield servers


class AlertQueue:
    """An SNS topic of the emulator with a queue subscribed to it."""

    def __init__(self, servers: Servers) -> None:
        endpoint = f"http://127.0.0.1:{servers.sns.port}"
        self._sqs, sns = _aws_client("sqs", endpoint), _aws_client("sns", endpoint)
        name = f"alerts-{uuid4().hex[:8]}"
        self.topic_arn: str = sns.create_topic(Name=name)["TopicArn"]
        self._url: str = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def take_all(self) -> list[bytes]:
        """All messages of the queue, which are gone from it then."""
        found: list[bytes] = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"].encode() for message in messages]
            entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        return found


class SmallDisk:
    """A mounted file system of a few megabytes; `fill` leaves no room on it until `free`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._filler = directory / "filler"

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4_096))
            except OSError:  # no space left on device
                pass

    def free(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounts it at a new directory. Raises PermissionError where the user may not mount."""
    directory.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(f"a small file system cannot be mounted: {done.stderr.strip()}")
    try:
        yield SmallDisk(directory)
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _redis(work: Path) -> Server:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return Server([_fetched("redis"), *options], work / "redis.log", port)


def _dynamodb(work: Path) -> Server:
    port, jars = free_port(), _fetched("dynamodb")
    server = str(SERVERS / "dynamodb" / "OnLoopback.java")
    java = ["java", "-Xmx256m", f"-Djava.library.path={jars}", "-cp", f"{jars}/*", server]
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    return Server([*java, *options], work / "dynamodb.log", port)


def _moto(work: Path) -> Server:
    port, program = free_port(), Path(sys.executable).parent / "moto_server"
    return Server([str(program), "-H", "127.0.0.1", "-p", str(port)], work / "sns.log", port)


def _fetched(server: str) -> str:
    """Where the project's script has put the server. Raises RuntimeError with the script's line."""
    script = [sys.executable, str(SERVERS / server / "fetch.py")]
    done = subprocess.run(script, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.split()[-1]


def _aws_client(service: Literal["sns", "sqs"], endpoint: str) -> Any:
    import boto3

    return boto3.client(service, endpoint_url=endpoint, region_name=REGION)


def alerts_without_message(alerts: list[bytes], messages: list[bytes]) -> int:
    """How many distinct alerts of the topic are not among the messages, by their ids and content."""
    received = {json.dumps(json.loads(message), sort_keys=True) for message in messages}
    return sum(json.dumps(json.loads(alert), sort_keys=True) not in received for alert in set(alerts))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
