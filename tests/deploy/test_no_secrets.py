"""Secrets planted in the environment are in nothing that the job or `fraud` writes, shows or hands to Flink."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.servers.connectors import fetch_connectors
from tests.servers.dynamodb_local import CREDENTIALS
from tests.servers.processes import free_port
from tests.servers.redis_server import RedisServer

PROJECT = Path(__file__).parents[2]
# Letters and digits only, so that no way of writing a text down changes them.
SECRETS = {
    "KAFKA_PASSWORD": "planted1Kafka7d02c1",
    "REDIS_PASSWORD": "planted2Redis91ab44",
    "AWS_SECRET_ACCESS_KEY": "planted3Secret5ee0f2",
    "AWS_SESSION_TOKEN": "planted4Session3c9d17",
}
ENVIRONMENT = os.environ | CREDENTIALS | SECRETS | {"KAFKA_USERNAME": "fraud-job", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"}
EVENTS = (
    b'{"transaction_id": "t1", "user_id": "u1", "timestamp": 1767225600000, "amount": 250000}\n'
    b'{"transaction_id": "t2", "user_id": "u1", "timestamp": 1767225601000, "amount": -1}\n'
    b"not JSON\n"
)
# Prints what Flink's client would submit (web page, REST and logs show no more of a job than this and its settings).
PLAN = """\
import sys
from jobs.config.loading import load_config
from jobs.runtime.environment import flink_settings, start_java
from jobs.score_transactions import build
config = load_config(sys.argv[1])
print(flink_settings(config))
start_java(config.flink.log_directory)
print(build(config).get_execution_plan())
"""


def run(directory: Path, *command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *command], cwd=directory, env=ENVIRONMENT, capture_output=True, timeout=180)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--requirepass", SECRETS["REDIS_PASSWORD"])
    server.start()
    yield server
    server.stop()


def job(directory: Path, **sections: object) -> Path:
    """A configuration with a file source, files sink and so on, unless a section says otherwise."""
    (directory / "events.jsonl").write_bytes(EVENTS)
    tree: dict[str, object] = {
        "source": {"kind": "file", "path": "events.jsonl"},
        "sinks": [{"kind": "files", "directory": "scored"}, {"kind": "print", "only": "all"}],
        "dead_letters": {"max_ratio": 1},
        "flink": {"log_directory": "logs"},
    }
    path = directory / "job.yaml"
    path.write_text(yaml.safe_dump(tree | sections))
    return path


def everything(directory: Path, finished: subprocess.CompletedProcess[bytes]) -> bytes:
    files = [path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()]
    return b"\n".join([finished.stdout, finished.stderr, *files])


def assert_clean(content: bytes) -> None:
    for variable, secret in SECRETS.items():
        at = content.find(secret.encode())
        assert at < 0, f"{variable} in: {content[max(0, at - 200) : at + 50]!r}"


def test_a_job_that_uses_a_secret_writes_it_nowhere(tmp_path: Path, redis: RedisServer) -> None:
    patience = {"timeout_ms": 5_000, "connect_timeout_ms": 5_000}
    store = {"kind": "redis", "port": redis.port, "password_variable": "REDIS_PASSWORD", **patience}
    config = job(tmp_path, store=store, online_features={"kind": "store"})
    finished = run(tmp_path, str(PROJECT / "jobs" / "score_transactions.py"), "--config", str(config))
    assert finished.returncode == 0, finished.stderr
    decisions = [json.loads(line) for path in tmp_path.glob("scored/decisions/*") for line in path.open()]
    # The store answers, but nothing was loaded into it.
    assert [(decision["transaction_id"], decision["enrichment"]) for decision in decisions] == [("t1", "degraded")]
    assert len(list(tmp_path.glob("scored/dead-letters/*"))) > 0
    assert (tmp_path / "logs" / "flink.log").stat().st_size > 1_000
    assert_clean(everything(tmp_path, finished))


def test_what_flink_is_given_of_a_job_with_a_kafka_login_shows_no_password(tmp_path: Path) -> None:
    fetch_connectors()
    servers = {"bootstrap_servers": "127.0.0.1:1", "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512"}
    config = job(
        tmp_path,
        source={"kind": "kafka", "connection": servers},
        sinks=[{"kind": "kafka", "connection": servers}],
        state={"checkpoint_dir": "checkpoints"},
    )
    finished = subprocess.run(
        [sys.executable, "-c", PLAN, str(config)],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        timeout=180,
    )
    assert finished.returncode == 0, finished.stderr[-2_000:]
    assert b'"nodes"' in finished.stdout
    assert_clean(everything(tmp_path, finished))


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ({"kind": "redis", "port": "REDIS", "password_variable": "KAFKA_PASSWORD"}, "password"),
        ({"kind": "redis", "port": "CLOSED", "password_variable": "REDIS_PASSWORD"}, "127.0.0.1"),
        ({"kind": "dynamodb", "region": "eu-central-1", "endpoint": "http://127.0.0.1:CLOSED"}, "127.0.0.1"),
    ],
)
def test_errors_of_a_store_name_no_secret(
    tmp_path: Path, redis: RedisServer, store: dict[str, object], words: str
) -> None:
    ports = {"REDIS": redis.port, "CLOSED": free_port()}
    store = {key: ports.get(str(value), value) for key, value in store.items()}
    if "endpoint" in store:
        store["endpoint"] = f"http://127.0.0.1:{ports['CLOSED']}"
    config = job(tmp_path, store=store)
    finished = run(tmp_path, "-m", "cli.main", "store", "init", "--config", str(config))
    assert finished.returncode == 2
    assert words in finished.stderr.decode().lower()
    assert_clean(everything(tmp_path, finished))


def test_errors_of_kafka_name_no_secret(tmp_path: Path) -> None:
    servers = {
        "bootstrap_servers": f"127.0.0.1:{free_port()}",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
    }
    config = job(tmp_path, source={"kind": "kafka", "connection": servers})
    finished = run(tmp_path, "-m", "cli.main", "topics", "create", "--config", str(config))
    assert finished.returncode == 2
    assert b"127.0.0.1" in finished.stderr
    assert_clean(everything(tmp_path, finished))
