"""Configuration errors are one line: location, problem, allowed values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.config.errors import ConfigError
from jobs.config.loading import load_config

NO_VARIABLES: dict[str, str] = {}


@pytest.fixture
def tree(tmp_path: Path) -> dict[str, Any]:
    """A valid configuration."""
    (tmp_path / "events.jsonl").write_bytes(b"{}")
    (tmp_path / "bundle").mkdir()
    return {
        "source": {"kind": "file", "path": str(tmp_path / "events.jsonl")},
        "sinks": [{"kind": "print"}],
        "scoring": {"bundle": str(tmp_path / "bundle")},
        "flink": {"log_directory": str(tmp_path / "logs")},
    }


def message(tree: Any, tmp_path: Path, variables: dict[str, str] = NO_VARIABLES, several: bool = False) -> str:
    """Error message of a configuration, with file names relative to the test's directory."""
    file = tmp_path / "job.yaml"
    file.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree))
    with pytest.raises(ConfigError) as error:
        load_config(file, variables)
    text = str(error.value)
    assert "\n" not in text or several
    return text.replace(f"{tmp_path}/", "")


def laid_over(tree: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The tree with one key changed."""
    *parents, last = path.split(".")
    node: Any = tree
    for part in parents:
        node = node[int(part)] if part.isdigit() else node.setdefault(part, {})
    node[int(last) if last.isdigit() else last] = value
    return tree


WRONG = [
    ("flink.paralelism", 2, "flink.paralelism: unknown key; did you mean 'parallelism'? (allowed: managed, parallelism, "
     "buffer_timeout_ms, restart_attempts, log_directory, extra)"),
    ("flink.Restart-Attempts", 2, "flink.Restart-Attempts: unknown key; did you mean 'restart_attempts'? (allowed: managed, "
     "parallelism, buffer_timeout_ms, restart_attempts, log_directory, extra)"),
    ("flink.colour", 2, "flink.colour: unknown key (allowed: managed, parallelism, "
     "buffer_timeout_ms, restart_attempts, log_directory, extra)"),
    ("flink.parallelism", 0, "flink.parallelism: must be at least 1, not 0"),
    ("flink.parallelism", "two", "flink.parallelism: must be a whole number, not 'two'"),
    ("flink", 3, "flink: 3 is not a mapping of keys to values"),
    ("scoring.cached_users", 5_000, "scoring: cached_users is no longer a key: the memory of decoded users is now limited "
     "in megabytes; remove it and write state.cache_mb, for example 512 (the default)"),
    ("state.cache_mb", 0, "state.cache_mb: must be greater than 0, not 0"),
    ("flink.extra", {"a": {"b": 1}}, "flink.extra.a: must be text, not {'b': 1}"),
    ("source.kind", "kafak", "source: unknown kind 'kafak': give one of file, kafka, kinesis"),
    ("source.path", "none.jsonl", f"source.path: file {Path.cwd()}/none.jsonl does not exist"),
    ("source.path", ".", f"source.path: {Path.cwd()} is a directory, not a file"),
    ("source.key_path", "$.a' or '", "source.key_path: \"$.a' or '\" is not a JSON path like $.user_id or "
     "$.payload['user id']"),
    ("sinks", 3, "sinks: must be a list, each element after a dash, not 3"),
    ("sinks", {"kind": "print"}, "sinks: must be a list, each element after a dash, not {'kind': 'print'}"),
    ("sinks", ["print"], "sinks.0: 'print' is not a mapping of keys to values"),
    ("source", {"kind": "kafka", "connection": {"bootstrap_servers": "127.0.0.1:1"}, "topics": "events"},
     "source.topics: must be a list, each element after a dash, not 'events'"),
    ("source", {"kind": "kafka", "connection": {"bootstrap_servers": "127.0.0.1:1"}, "topics": []},
     "source.topics: give at least 1"),
    ("source", {"kind": "kafka", "connection": {"bootstrap_servers": "127.0.0.1:1"}, "topics": [3]},
     "source.topics.0: must be text, not 3"),
    ("sinks", [], "sinks: give at least one, for example kind: print"),
    ("sinks.0.kind", "prnt", "sinks.0: unknown kind 'prnt': give one of files, print, kafka, sns, discard"),
    ("sinks.0", {"only": "all"}, "sinks.0: kind is missing: give one of files, print, kafka, sns, discard"),
    ("sinks.0.only", "none", "sinks.0.only: 'none' is not allowed: give alerts, actions or all"),
    ("sinks.0.olny", "all", "sinks.0.olny: unknown key; did you mean 'only'? (allowed: kind, only)"),
    ("sinks.0", {"kind": "files"}, "sinks.0.directory: is missing"),
    ("sinks", [{"kind": "print"}] * 2, "sinks: at most one sink of kind print and one of kind discard"),
    ("sinks", [{"kind": "files", "directory": "a"}] * 2, "sinks: two sinks of kind files share a directory"),
    ("scoring.bundle", "none", f"scoring.bundle: directory {Path.cwd()}/none does not exist"),
    ("scoring.rules", "none.yaml", f"scoring.rules: file {Path.cwd()}/none.yaml does not exist"),
    ("scoring.thresholds", {"hard_block": 600, "soft_challenge": 700},
     "scoring.thresholds: must ascend: refer_to_analyst <= soft_challenge <= hard_block"),
    ("scoring.thresholds.hard_block", 1001, "scoring.thresholds.hard_block: must be at most 1000, not 1001"),
    ("scoring.base_currency", "usd", "scoring.base_currency: 'usd' is not an ISO 4217 code of three capital letters"),
    ("scoring.default_timezone", "Mars", "scoring.default_timezone: 'Mars' is not a time zone of the IANA database, "
     "like Europe/Zurich"),
    ("scoring.latest_timestamp", "soon", "scoring.latest_timestamp: 'soon' is neither epoch milliseconds nor ISO 8601 "
     "with an offset"),
    ("scoring.latest_timestamp", "2026-01-01T00:00:00", "scoring.latest_timestamp: 2026-01-01T00:00:00 has no offset: "
     "append +00:00 or Z for UTC"),
    ("scoring.latest_timestamp", 1_767_225_600, "scoring.latest_timestamp: 1767225600 ms is before 1973-03-03; it looks "
     "like epoch seconds, not milliseconds"),
    ("scoring.latest_timestamp", "20260101", "scoring.latest_timestamp: 20260101 ms is before 1973-03-03; it looks like a "
     "calendar time (YYYYMMDD), not milliseconds"),
    ("scoring.latest_timestamp", 202_601_011_200, "scoring.latest_timestamp: 202601011200 looks like a calendar time "
     "(YYYYMMDDHHMM): give epoch milliseconds, or ISO 8601 with an offset"),
    ("scoring.log_features", "perhaps", "scoring.log_features: 'perhaps' is not allowed: give auto, names, "
     "packed or none"),
    ("dead_letters.minimum", 2000, "dead_letters: minimum must not be above window_records, or the limit would "
     "never apply"),
    ("state.backend", "disk", "state.backend: 'disk' is not allowed: give hashmap or rocksdb"),
    ("state.restore_from", "/", "state.restore_from: / holds no complete checkpoint or savepoint (no _metadata file)"),
    ("state.checkpoint_interval_ms", 5, "state.checkpoint_interval_ms: must be at least 100, not 5"),
    ("control", {"path": "x"}, "control: kind is missing: give one of none, file, kafka"),
    ("control", {"kind": "none", "path": "x"}, "control.path: unknown key (allowed: kind)"),
    ("nmae", "x", "nmae: unknown key; did you mean 'name'? (allowed: name, source, sinks, scoring, store, online_features, "
     "dead_letters, state, flink, s3, control, replies)"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "told"), WRONG, ids=[f"{key} {value}" for key, value, _ in WRONG])
def test_an_invalid_key_or_value_is_reported_with_its_path(
    tree: dict[str, Any], tmp_path: Path, key: str, value: Any, told: str
) -> None:
    assert message(laid_over(tree, key, value), tmp_path) == f"job.yaml: {told}"


def test_an_unknown_pack_is_reported_with_the_existing_ones(tree: dict[str, Any], tmp_path: Path) -> None:
    told = message(laid_over(tree, "scoring.rules", "bnak"), tmp_path)
    assert told.startswith("job.yaml: scoring.rules: rule pack 'bnak' does not exist: give one of bank")
    assert told.endswith(", or the path of a file")


def test_a_missing_section_is_reported(tree: dict[str, Any], tmp_path: Path) -> None:
    del tree["source"]
    assert message(tree, tmp_path) == "job.yaml: source: is missing"


def test_each_of_several_problems_has_its_line(tree: dict[str, Any], tmp_path: Path) -> None:
    tree["flink"] = {"parallelism": 0, "parallelsim": 1, "buffer_timeout_ms": -1}
    first, second, third = message(tree, tmp_path, several=True).splitlines()
    assert first == "job.yaml: flink.parallelism: must be at least 1, not 0"
    assert second == "job.yaml: flink.buffer_timeout_ms: must be at least 0, not -1"
    assert third.startswith("job.yaml: flink.parallelsim: unknown key; did you mean 'parallelism'? (allowed: ")


def test_an_invalid_variable_is_reported_by_name(tree: dict[str, Any], tmp_path: Path) -> None:
    told = message(tree, tmp_path, {"FRAUD__FLINK__PARALLELISM": "many"})
    assert told == "FRAUD__FLINK__PARALLELISM: flink.parallelism: must be a whole number, not 'many'"
    told = message(tree, tmp_path, {"FRAUD__FLINK__PARALELISM": "2"})
    assert told.startswith("FRAUD__FLINK__PARALELISM: flink.paralelism: unknown key; did you mean 'parallelism'?")


def test_a_variable_with_an_invalid_path_is_reported(tree: dict[str, Any], tmp_path: Path) -> None:
    told = message(tree, tmp_path, {"FRAUD__SINKS__5__KIND": "print"})
    assert told == "FRAUD__SINKS__5__KIND: '5' is not an index of a list of 1"
    told = message(tree | {"name": "job"}, tmp_path, {"FRAUD__NAME__LONG": "x"})
    assert told == "FRAUD__NAME__LONG: name is a single value without keys"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not YAML: expected the node content, but found '<stream end>' at line 1, column 5"),
        ("a: \x00", "not YAML: unacceptable character"),
        ("[1, 2]", "must be a mapping with the keys name, source, sinks"),
        ("", "must be a mapping with the keys name, source, sinks"),
    ],
)
def test_a_file_that_is_not_a_mapping_is_reported(tmp_path: Path, text: str, told: str) -> None:
    assert message(text, tmp_path).startswith(f"job.yaml: {told}")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"job\.yaml: cannot be read: No such file or directory"):
        load_config(tmp_path / "job.yaml", NO_VARIABLES)


@pytest.mark.parametrize(
    ("keys", "rest"), [(21, "job.yaml: and 1 more problem"), (25, "job.yaml: and 5 more problems")]
)
def test_of_very_many_problems_the_rest_is_counted(tree: Any, tmp_path: Path, keys: int, rest: str) -> None:
    lines = message(tree | {f"key_{number}": 1 for number in range(keys)}, tmp_path, several=True).splitlines()
    assert (len(lines), lines[-1]) == (21, rest)
