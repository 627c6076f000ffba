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
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from kafka import KafkaAdminClient

from tests.servers.ports import free_ports

PROJECT = Path(__file__).parents[2]
SCRIPTS = PROJECT / "deploy" / "servers" / "kafka"
USER, PASSWORD = "fraud-job", 'a "quoted" \\ secret'
STORE_PASSWORD = "only-for-tests"

LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:BROKER_PORT,CONTROLLER://127.0.0.1:CONTROL_PORT,LOGIN://127.0.0.1:{sasl},SAFE://127.0.0.1:{sasl_ssl},TLS://127.0.0.1:{ssl},MUTUAL://127.0.0.1:{mutual}
advertised.listeners=PLAINTEXT://127.0.0.1:BROKER_PORT,LOGIN://127.0.0.1:{sasl},SAFE://127.0.0.1:{sasl_ssl},TLS://127.0.0.1:{ssl},MUTUAL://127.0.0.1:{mutual}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,SAFE:SASL_SSL,TLS:SSL,MUTUAL:SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.login.plain.sasl.jaas.config={plain}
listener.name.login.scram-sha-256.sasl.jaas.config={scram}
listener.name.safe.plain.sasl.jaas.config={plain}
listener.name.safe.scram-sha-256.sasl.jaas.config={scram}
ssl.keystore.type=PKCS12
ssl.keystore.location={store}
ssl.keystore.password={store_password}
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.truststore.type=PEM
listener.name.mutual.ssl.truststore.location={ca_file}
"""


class Broker(NamedTuple):
    """A running broker. `servers` is its plain listener; the others ask for a password, encrypt, or both.

    The one of `mutual_servers` wants a client's certificate: `client_file` holds one with its key.
    """

    directory: Path
    servers: str
    sasl_servers: str
    sasl_ssl_servers: str
    ssl_servers: str
    mutual_servers: str
    ca_file: Path
    client_file: Path

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
    client_file = directory / "client.pem"
    _write_key_and_certificate(store, client_file)
    port, sasl, sasl_ssl, ssl, mutual = free_ports(5)
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
            mutual=mutual,
            ca_file=ca_file,
            store=store,
            store_password=STORE_PASSWORD,
            plain=f'{module}.plain.PlainLoginModule required user_{USER}="{quoted}";',
            scram=f"{module}.scram.ScramLoginModule required;",
        )
    )
    _run(SCRIPTS / "start.sh", directory, str(port), extra)
    return Broker(
        directory,
        *(f"127.0.0.1:{number}" for number in (port, sasl, sasl_ssl, ssl, mutual)),
        ca_file,
        client_file,
    )


def _write_key_and_certificate(store: Path, target: Path) -> None:
    """As PEM, the key in PKCS#8 without a password."""
    key, certificate, _ = pkcs12.load_key_and_certificates(store.read_bytes(), STORE_PASSWORD.encode())
    assert key is not None
    assert certificate is not None
    pem = serialization.Encoding.PEM
    target.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    started = start_broker(tmp_path_factory.mktemp("kafka") / "broker")
    yield started
    _run(SCRIPTS / "stop.sh", started.directory)


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, timeout=180, stdout=subprocess.DEVNULL)
