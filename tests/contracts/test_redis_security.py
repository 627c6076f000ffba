"""TLS and ACLs against a real Redis: the documented permissions suffice."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis import Redis

from tests.contracts.store_factories import SETTINGS
from tests.servers.redis_server import RedisServer
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import UserProfile
from udfs.stores.opening import RemoteStore, open_for_scoring, open_store
from udfs.stores.port import OnlineFeatures, StoreError, StoreUnavailable
from udfs.stores.settings import RedisSettings

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "stores.md"
PASSWORD = "planted-s3cret"
USER = UserProfile(user_id="U1", kyc_level=1)
FEATURES = OnlineFeatures("U1", 1_000, 1.0, 2.0, None, 2.0)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {0}.key -out {0}.crt"
    for name in ("server", "stranger"):
        subprocess.run(
            [*command.format(directory / name).split(), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True,
            capture_output=True,
        )
    return directory


@pytest.fixture(scope="module")
def server(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    certificate, key = str(certificates / "server.crt"), str(certificates / "server.key")
    server = RedisServer(
        tmp_path_factory.mktemp("redis"),
        "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate,
        "--tls-auth-clients", "no",
        tls=True,
    )  # fmt: skip
    server.start()
    administrator = Redis(port=server.port, ssl=True, ssl_ca_certs=certificate)
    documented = re.findall(r"^ACL SETUSER (.+)$", DOCUMENTATION.read_text(), re.MULTILINE)
    assert len(documented) == 2
    for line in documented:
        administrator.execute_command("ACL", "SETUSER", *line.replace(">...", f">{PASSWORD}").split())
    administrator.execute_command("ACL", "SETUSER", "default", "off")
    yield server
    server.stop()


@pytest.fixture
def reach(server: RedisServer, certificates: Path, monkeypatch: pytest.MonkeyPatch) -> RedisSettings:
    monkeypatch.setenv("STORE_PASSWORD", PASSWORD)
    return RedisSettings(
        host="localhost",
        port=server.port,
        tls=True,
        ca_file=str(certificates / "server.crt"),
        password_variable="STORE_PASSWORD",
        timeout_ms=5_000,
        connect_timeout_ms=5_000,
    )


def as_user(settings: RedisSettings, name: str) -> RemoteStore:
    return open_store(replace(settings, username=name), SETTINGS, SYSTEM_CLOCKS)


def test_the_documented_permissions_are_enough_and_no_more(reach: RedisSettings) -> None:
    loader, job = as_user(reach, "fraud-load"), as_user(reach, "fraud-job")
    loader.check()
    loader.put_many({"user:U1": USER}, None)
    job.check()
    assert job.get_many(["user:U1", "user:none"]) == [USER, None]
    job.publish([FEATURES], 60_000)
    assert job.online_features("U1") == FEATURES
    with pytest.raises(StoreUnavailable, match="no permissions"):
        job.put_many({"user:U1": USER}, None)
    with pytest.raises(StoreUnavailable, match="no permissions"):
        loader.publish([FEATURES], 60_000)


@pytest.mark.parametrize(
    ("changed", "raised", "told"),
    [
        ({"ca_file": "stranger.crt"}, StoreError, "certificate is not trusted: check ca_file"),
        ({"tls": False, "ca_file": None}, StoreUnavailable, "is unavailable"),
        ({"username": "nobody"}, StoreError, "check username, password and permissions"),
        ({"username": None}, StoreError, "check username, password and permissions"),
        ({"namespace": "other:", "username": "fraud-job"}, StoreError, "check username, password and permissions"),
    ],
)
def test_a_rejected_login_is_explained_without_the_password(
    reach: RedisSettings, certificates: Path, changed: dict[str, str], raised: type[Exception], told: str
) -> None:
    if isinstance(changed.get("ca_file"), str):
        changed = {**changed, "ca_file": str(certificates / changed["ca_file"])}
    settings = replace(reach, **changed)
    with pytest.raises(raised, match=told) as error:
        open_store(settings, SETTINGS, SYSTEM_CLOCKS).check()
    assert PASSWORD not in str(error.value)
    if raised is StoreError:
        with pytest.raises(StoreError):
            open_for_scoring(settings, SETTINGS, SYSTEM_CLOCKS)
