"""The commands that fill and read stores, against real servers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.contracts.store_factories import SETTINGS, dynamodb_local, redis_server
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.profiles import UserProfile
from udfs.stores.memory import load_reference
from udfs.stores.opening import open_store
from udfs.stores.port import OnlineFeatures
from udfs.stores.settings import RedisSettings

FILES = {
    "users.jsonl": [{"user_id": "U1", "kyc_level": 2}, {"user_id": "U2", "timezone": "Europe/Berlin"}],
    "merchants.jsonl": [{"merchant_id": "M1", "category": "6011"}],
    "devices.jsonl": [{"device_id": "D1", "blacklisted": True}],
    "ip_feed.jsonl": [{"ip_address": "10.0.0.1", "ip_risk_score": 80}],
    "domain_feed.jsonl": [{"email_domain": "example.org"}],
    "entity_history.jsonl": [
        {
            "entity": "merchant", "id": "M1", "complete_through_ms": 9, "first_hour": 1, "hours": [1, 2],
            "transactions": [3, 4], "frauds": [0, 1], "users_1d": [1, 0], "users_7d": [1, 0],
        }
    ],
    "block_list.jsonl": [{"type": "user", "value": "U7"}],
}  # fmt: skip
KEYS = ["user:U1", "user:U2", "merchant:M1", "device:D1", "ip:10.0.0.1", "domain:example.org"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in FILES.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def redis() -> Iterator[str]:
    yield f"redis://127.0.0.1:{redis_server().port}/3"
    client = redis_server().client()
    client.execute_command("SELECT", 3)
    client.flushdb()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def store_of(address: str) -> RedisSettings:
    return RedisSettings(port=int(address.rpartition(":")[2].partition("/")[0]), database=3, timeout_ms=5_000)


def test_loading_a_folder_is_complete_and_idempotent(folder: Path, redis: str) -> None:
    store = open_store(store_of(redis), SETTINGS, SYSTEM_CLOCKS)
    expected = load_reference(folder, SETTINGS).store
    for _ in range(2):
        result = run("load", str(folder), "--store", redis)
        assert result.exit_code == 0, result.output
        assert "2  users.jsonl" in result.output
        assert "1  block_list.jsonl (checked only: the job reads them from scoring.reference)" in result.output
        assert store.get_many(KEYS) == expected.get_many(KEYS)
        (history,), (wanted,) = (s.get_many(["history:merchant:M1"]) for s in (store, expected))
        assert history.as_of(10**12) == wanted.as_of(10**12)  # type: ignore[union-attr]


def test_invalid_rows_are_reported_and_the_others_loaded(folder: Path, redis: str) -> None:
    with (folder / "users.jsonl").open("a") as file:
        file.write('\nnot json\n{"user_id": 5}\n{"user_id": "U3", "timezone": "Mars/Base"}\n{"user_id": "U4"}\n')
    result = run("load", str(folder), "--store", redis)
    assert result.exit_code == 1
    users = folder / "users.jsonl"
    assert f"{users}, line 4: JSON is malformed" in result.output
    assert f"{users}, line 5: Expected `str`, got `int` - at `$.user_id`" in result.output
    assert f"{users}, line 6: unknown timezone 'Mars/Base'; expected an IANA name like Europe/Berlin" in result.output
    assert "3 invalid rows were skipped" in result.output
    store = open_store(store_of(redis), SETTINGS, SYSTEM_CLOCKS)
    assert store.get_many(["user:U3", "user:U4"]) == [None, UserProfile(user_id="U4")]


def test_a_dry_run_writes_nothing(folder: Path, redis: str) -> None:
    result = run("load", str(folder), "--store", redis, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "2  users.jsonl" in result.output
    assert open_store(store_of(redis), SETTINGS, SYSTEM_CLOCKS).get_many(KEYS) == [None] * len(KEYS)
    assert run("load", str(folder), "--dry-run").exit_code == 0


def test_tables_are_created_once_and_filled(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(  # only `store` is read: the job's files may be on another machine
        "source: {kind: file, path: /not/here}\n"
        f"store: {{kind: dynamodb, region: eu-west-1, table_prefix: cli-, endpoint: {dynamodb_local().endpoint}}}\n"
    )
    before = run("load", str(folder), "--config", str(config))
    assert before.exit_code == 2
    assert "cli-records" in before.output
    assert "create it with `fraud store init`" in before.output
    made = run("store", "init", "--config", str(config))
    assert made.output.splitlines() == ["cli-records: created", "cli-online: created", "connected to the store"]
    again = run("store", "init", "--config", str(config))
    assert again.output.splitlines() == ["cli-records: exists", "cli-online: exists", "connected to the store"]
    loaded = run("load", str(folder), "--config", str(config))
    assert loaded.exit_code == 0, loaded.output
    absent = run("features", "get", "U1", "--config", str(config))
    assert (absent.exit_code, absent.output) == (1, "no online features of U1: never written, or expired\n")


def test_online_features_are_shown_with_their_age(redis: str) -> None:
    store = open_store(store_of(redis), SETTINGS, SYSTEM_CLOCKS)
    event_time_ms = SYSTEM_CLOCKS.wall_ms() - 12_000
    store.publish([OnlineFeatures("U1", event_time_ms, 3.0, 20.5, None, 61.5)], 60_000)
    lines = run("features", "get", "U1", "--store", redis).output.splitlines()
    assert lines[0].split() == ["user_id", "U1"]
    assert "Z, 12." in lines[1]
    assert [line.split(maxsplit=1) for line in lines[2:]] == [
        ["txn_count_5m", "3"],
        ["avg_amount_1h", "20.5"],
        ["foreign_country_count_1d", "not known"],
        ["velocity_score", "61.5"],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["store", "init"], "give either --config FILE or --store URL"),
        (["store", "init", "--store", "redis://127.0.0.1:1"], "Redis at 127.0.0.1:1 is unavailable"),
        (["store", "init", "--store", "redis://u:planted@h"], "no password in the address"),
        (["store", "init", "--store", "mysql://h"], "expected redis://HOST:PORT/DATABASE"),
        (["store", "init", "--store", "redis://h:port"], "expected redis://HOST:PORT/DATABASE"),
        (["store", "init", "--config", "deploy/conf/local.yaml"], "the store is of kind memory"),
        (["load", "/nowhere", "--store", "redis://h"], "no reference files"),
    ],
)
def test_user_errors_are_one_line(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    assert "planted" not in result.output


def test_an_interrupted_load_ends_at_once_and_names_the_remedy(folder: Path, redis: str) -> None:
    with (folder / "users.jsonl").open("w") as file:
        file.writelines(f'{{"user_id": "U{n}"}}\n' for n in range(2_000_000))
    command = [sys.executable, "-m", "cli.main", "load", str(folder), "--store", redis]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as loading:
        store = open_store(store_of(redis), SETTINGS, SYSTEM_CLOCKS)
        while store.get_many(["user:U1"]) == [None]:
            assert loading.poll() is None
            time.sleep(0.05)
        loading.send_signal(signal.SIGINT)
        assert loading.wait(timeout=20) == 130
        assert loading.stderr is not None
        assert (
            "interrupted: some records may have been written; run the command again to complete the load"
            in loading.stderr.read()
        )
