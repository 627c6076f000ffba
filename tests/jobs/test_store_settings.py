"""The `store` section: settings passed to the operator, and one-line errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.loading import load_store, parse_config
from jobs.config.scoring import scorer_config, scorer_paths
from udfs.stores.settings import CacheSettings, DynamoDBSettings, OnlineFeatureSettings, RedisSettings


@pytest.fixture
def tree(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "events.jsonl").write_text("")
    (tmp_path / "bundle").mkdir()
    return {
        "source": {"kind": "file", "path": str(tmp_path / "events.jsonl")},
        "sinks": [{"kind": "discard"}],
        "scoring": {"bundle": str(tmp_path / "bundle")},
    }


def configured(tree: dict[str, Any], **sections: Any) -> JobConfig:
    return parse_config({**tree, **sections}, "job.yaml")


def test_without_a_section_the_store_is_memory_and_nothing_is_published(tree: dict[str, Any]) -> None:
    config = configured(tree)
    assert scorer_paths(config).store is None
    assert scorer_config(config).online_features is None


def test_redis_with_its_cache_and_online_features(tree: dict[str, Any]) -> None:
    store = {
        "kind": "redis",
        "host": "cache.example",
        "username": "job",
        "password_variable": "PASS",
        "stale_ms": 90_000,
    }
    config = configured(tree, store=store, online_features={"kind": "store", "ttl_ms": 60_000})
    assert scorer_paths(config).store == RedisSettings(host="cache.example", username="job", password_variable="PASS")
    assert scorer_config(config).cache == CacheSettings(stale_ms=90_000, refresh_ahead_ms=0)
    assert scorer_config(config).online_features == OnlineFeatureSettings(ttl_ms=60_000)


def test_dynamodb_reads_ahead_for_a_third_of_its_minute(tree: dict[str, Any]) -> None:
    config = configured(tree, store={"kind": "dynamodb", "region": "eu-west-1", "timeout_ms": 80})
    assert scorer_paths(config).store == DynamoDBSettings(region="eu-west-1", timeout_ms=80)
    assert scorer_config(config).cache == CacheSettings(refresh_ahead_ms=20_000)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"store": {"kind": "mysql"}}, "store: unknown kind 'mysql': give one of memory, redis, dynamodb"),
    ({"store": {"kind": "redis", "password": "s3cret"}}, "store.password: unknown key"),
    ({"store": {"kind": "redis", "password_variable": "s3cret!"}}, "is not the name of an environment variable"),
    ({"store": {"kind": "redis", "host": "h:1/x"}}, "is neither a host name nor an IP address"),
    ({"store": {"kind": "redis", "ca_file": __file__}}, "ca_file, certificate_file and key_file need tls: true"),
    (
        {"store": {"kind": "redis", "tls": True, "key_file": __file__}},
        "certificate_file and key_file: give both or neither",
    ),
    ({"store": {"kind": "redis", "stale_ms": 5}}, "stale_ms must not be below fresh_ms"),
    ({"store": {"kind": "dynamodb", "refresh_ahead_ms": 60_000}}, "refresh_ahead_ms must be below fresh_ms"),
    ({"store": {"kind": "dynamodb", "endpoint": "localhost"}}, "is not a URL like http://127.0.0.1:8000"),
    ({"online_features": {"kind": "store"}}, "online_features: kind: store needs a store of kind redis or dynamodb"),
]


@pytest.mark.parametrize(("sections", "told"), WRONG, ids=[told for _, told in WRONG])
def test_errors_are_one_line_without_secrets(tree: dict[str, Any], sections: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        configured(tree, **sections)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert "s3cret" not in str(error.value)


def test_histories_of_a_file_do_not_go_with_a_remote_store(tree: dict[str, Any], tmp_path: Path) -> None:
    scoring = {**tree["scoring"], "histories": str(tmp_path / "events.jsonl")}
    with pytest.raises(ConfigError, match="fill redis with `fraud load`"):
        configured(tree, scoring=scoring, store={"kind": "redis"})


def test_commands_load_only_the_store_with_environment_overrides(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("source: {kind: file, path: /not/here}\nstore: {kind: redis, port: 7000}\n")
    store = load_store(path, {"FRAUD__STORE__PORT": "7001"})
    assert (store.kind, getattr(store, "port", None)) == ("redis", 7001)
    with pytest.raises(ConfigError, match="FRAUD__STORE__PORT"):
        load_store(path, {"FRAUD__STORE__PORT": "70000"})
