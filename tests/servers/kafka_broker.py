"""A real Kafka broker of the test session, from the scripts in deploy/servers/kafka, with a listener a way to log in.

Its jars come from Maven on the first use.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kafka import KafkaAdminClient

from tests.servers.ports import free_ports

PROJECT = Path(__file__).parents[2]
SCRIPTS = PROJECT / "deploy" / "servers" / "kafka"
USER, PASSWORD = "fraud-job", 'a "quoted" \\ secret'
STORE_PASSWORD = "only-for-tests"

LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:BROKER_PORT,CONTROLLER://127.0.0.1:CONTROL_PORT,LOGIN://127.0.0.1:{sasl},SAFE://127.0.0.1:{sasl_ssl},TLS://127.0.0.1:{ssl}
advertised.listeners=PLAINTEXT://127.0.0.1:BROKER_PORT,LOGIN://127.0.0.1:{sasl},SAFE://127.0.0.1:{sasl_ssl},TLS://127.0.0.1:{ssl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,SAFE:SASL_SSL,TLS:SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.login.plain.sasl.jaas.config={plain}
listener.name.login.scram-sha-256.sasl.jaas.config={scram}
listener.name.safe.plain.sasl.jaas.config={plain}
listener.name.safe.scram-sha-256.sasl.jaas.config={scram}
ssl.keystore.type=PKCS12
ssl.keystore.location={store}
ssl.keystore.password={store_password}
"""


class Broker(NamedTuple):
    """A running broker. `servers` is its plain listener; the others ask for a certificate, a password, or both."""

    directory: Path
    servers: str
    sasl_servers: str
    sasl_ssl_servers: str
    ssl_servers: str
    ca_file: Path

    @property
    def pid(self) -> int:
        return int((self.directory / "pid").read_text())

    def kill(self) -> None:
        """The broker dies at once, as with its machine."""
        os.kill(self.pid, signal.SIGKILL)

    def start(self) -> None:
        """Start it again with its port and data."""
        _run(SCRIPTS / "start.sh", self.directory)

    def pause(self) -> None:
        """It answers nothing, while its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def create_topics(self, partitions: int, *topics: str) -> None:
        """Topics whose records may be as large as a dead letter of the job."""
        admin = KafkaAdminClient(bootstrap_servers=self.servers)
        settings: dict[str, Any] = {
            "num_partitions": partitions,
            "replication_factor": 1,
            "configs": {"max.message.bytes": str(2 << 20)},
        }
        admin.create_topics(dict.fromkeys(topics, settings), wait_for_metadata=True)
        admin.close()


def start_broker(directory: Path) -> Broker:
    """A broker in the directory. PLAIN knows the user from its settings, SCRAM after `add_scram_user`."""
    store, ca_file = directory / "broker.p12", directory / "ca.pem"
    directory.mkdir(parents=True)
    keytool = ["keytool", "-keystore", str(store), "-storepass", STORE_PASSWORD, "-alias", "broker"]
    _run(*keytool, "-genkeypair", "-keyalg", "EC", "-storetype", "PKCS12", "-dname", "CN=test broker", "-validity", "30",
         "-ext", "san=ip:127.0.0.1")  # fmt: skip
    _run(*keytool, "-exportcert", "-rfc", "-file", str(ca_file))
    port, sasl, sasl_ssl, ssl = free_ports(4)
    module = "org.apache.kafka.common.security"
    quoted = (
        PASSWORD.replace("\\", "\\\\").replace('"', '\\"').replace("\\", "\\\\")
    )  # JAAS' quoting, then that of the file
    extra = directory / "listeners.properties"
    extra.write_text(
        LISTENERS.format(
            sasl=sasl,
            sasl_ssl=sasl_ssl,
            ssl=ssl,
            store=store,
            store_password=STORE_PASSWORD,
            plain=f'{module}.plain.PlainLoginModule required user_{USER}="{quoted}";',
            scram=f"{module}.scram.ScramLoginModule required;",
        )
    )
    _run(SCRIPTS / "start.sh", directory, str(port), extra)
    return Broker(
        directory,
        *(f"127.0.0.1:{number}" for number in (port, sasl, sasl_ssl, ssl)),
        ca_file,
    )


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    started = start_broker(tmp_path_factory.mktemp("kafka") / "broker")
    yield started
    _run(SCRIPTS / "stop.sh", started.directory)


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, timeout=180, stdout=subprocess.DEVNULL)
