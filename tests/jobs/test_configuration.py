"""Loading of the configuration from file and environment, and its documentation."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml

from jobs.config.entity_job import EntityJobConfig
from jobs.config.help import describe, markdown_table
from jobs.config.job import FilesSink, JobConfig, PrintSink
from jobs.config.loading import load_config, load_config_of
from jobs.config.scoring import scorer_config, scorer_paths
from jobs.runtime.environment import flink_settings

PROJECT = Path(__file__).parents[2]
MINIMAL = """\
source: {kind: file, path: events.jsonl}
sinks: [{kind: print}]
scoring: {bundle: bundle}
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with what a minimal configuration names."""
    (tmp_path / "events.jsonl").write_bytes(b"{}")
    (tmp_path / "bundle").mkdir()
    (tmp_path / "job.yaml").write_text(MINIMAL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_paths_become_absolute_because_operators_run_elsewhere(directory: Path) -> None:
    config = load_config("job.yaml", {})
    assert config.source.path == str(directory / "events.jsonl")
    assert config.flink.log_directory == str(directory / "out" / "logs")
    assert scorer_paths(config).bundle == str(directory / "bundle")


def test_variables_override_the_file(directory: Path) -> None:
    variables = {
        "FRAUD__FLINK__PARALLELISM": "4",
        "FRAUD__SINKS__0__ONLY": "all",
        "FRAUD__SINKS__1__KIND": "files",
        "FRAUD__SINKS__1__DIRECTORY": "decided",
        "FRAUD__SCORING__THRESHOLDS__HARD_BLOCK": "950",
        "FRAUD__SCORING__LATEST_TIMESTAMP": "2026-02-01T00:00:00+01:00",
        "FRAUD__STATE__CHECKPOINT_DIR": "s3://bucket/checkpoints",
        "PATH": "/bin",
    }
    config = load_config("job.yaml", variables)
    assert config.flink.parallelism == 4
    assert config.sinks == (
        PrintSink(kind="print", only="all"),
        FilesSink(kind="files", directory=str(directory / "decided")),
    )
    scorer = scorer_config(config)
    assert scorer.decision.hard_block_above == 950
    assert scorer.decision.refer_above is None  # the bundle's
    assert scorer.admission.latest_timestamp_ms == 1_769_900_400_000
    assert config.state.checkpoint_dir == "s3://bucket/checkpoints"


def test_a_configuration_survives_being_written_and_read(directory: Path) -> None:
    config = load_config("job.yaml", {"FRAUD__SCORING__LATEST_TIMESTAMP": "2026-02-01T00:00:00Z"})
    (directory / "copy.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert load_config("copy.yaml", {}) == config


def test_a_shipped_pack_is_named_and_an_own_one_is_a_path(directory: Path) -> None:
    assert load_config("job.yaml", {}).scoring.rules == "bank"
    (directory / "mine.yaml").write_text("name: mine")
    own = load_config("job.yaml", {"FRAUD__SCORING__RULES": "mine.yaml"})
    assert own.scoring.rules == str(directory / "mine.yaml")


def test_restoring_from_a_directory_takes_its_newest_complete_checkpoint(directory: Path) -> None:
    now = time.time()
    for age, name in ((30, "a/chk-9"), (10, "b/chk-2"), (20, "b/chk-1")):
        metadata = directory / "checkpoints" / name / "_metadata"
        metadata.parent.mkdir(parents=True)
        metadata.touch()
        os.utime(metadata, (now - age, now - age))
    (directory / "checkpoints" / "b" / "chk-3").mkdir()  # not complete

    config = load_config("job.yaml", {"FRAUD__STATE__RESTORE_FROM": "checkpoints"})
    assert config.state.restore_from == str(directory / "checkpoints" / "b" / "chk-2")
    assert flink_settings(config)["execution.state-recovery.path"] == f"file://{directory}/checkpoints/b/chk-2"


def test_flink_options_override_all_others(directory: Path) -> None:
    (directory / "job.yaml").write_text(MINIMAL + "flink: {extra: {pipeline.object-reuse: false, a.number: 3}}")
    settings = flink_settings(load_config("job.yaml", {}))
    assert settings["pipeline.object-reuse"] == "false"
    assert settings["a.number"] == "3"


def test_restarts_are_bounded(directory: Path) -> None:
    assert flink_settings(load_config("job.yaml", {}))["restart-strategy.type"] == "none"
    settings = flink_settings(load_config("job.yaml", {"FRAUD__FLINK__RESTART_ATTEMPTS": "20"}))
    assert settings["restart-strategy.type"] == "exponential-delay"
    assert settings["restart-strategy.exponential-delay.attempts-before-reset-backoff"] == "20"


@pytest.mark.parametrize(
    ("said", "sinks", "form"),
    [
        (None, ["files"], "names"),
        (None, ["files", "print"], "names"),
        (None, ["discard"], "names"),
        (None, ["kafka"], "packed"),
        (None, ["files", "kafka"], "packed"),  # a decision is made once for all sinks
        ("auto", ["kafka"], "packed"),
        ("names", ["kafka"], "names"),
        ("packed", ["files"], "packed"),
        ("none", ["kafka"], "none"),
        ("true", ["kafka"], "names"),  # as configurations of before said it
        ("false", ["files"], "none"),
    ],
)
def test_features_are_packed_for_kafka_unless_configured_otherwise(
    directory: Path, said: str | None, sinks: list[str], form: str
) -> None:
    options = {"files": {"directory": "out"}, "kafka": {"connection": {"bootstrap_servers": "localhost:9092"}}}
    tree = {
        "source": {"kind": "file", "path": "events.jsonl"},
        "sinks": [{"kind": kind, **options.get(kind, {})} for kind in sinks],
    }
    (directory / "job.yaml").write_text(yaml.safe_dump(tree))
    variables = {} if said is None else {"FRAUD__SCORING__LOG_FEATURES": said}
    assert scorer_config(load_config("job.yaml", variables)).log_features == form


def test_the_documentation_holds_the_table_of_all_keys() -> None:
    assert markdown_table() in (PROJECT / "docs" / "configuration.md").read_text()


def test_every_key_is_explained() -> None:
    unexplained = [entry.key for entry in describe() if not entry.meaning]
    assert unexplained == []
    keys = {entry.key for entry in describe()}
    assert {"source[file].path", "sinks[print].only", "scoring.thresholds.hard_block", "flink.extra"} <= keys
    assert {key.partition(".")[0].partition("[")[0] for key in keys} == set(JobConfig.model_fields)


@pytest.mark.parametrize("example", sorted((PROJECT / "deploy" / "conf").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_valid(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = yaml.safe_load(example.read_text())
    monkeypatch.chdir(tmp_path)
    for path in (tree["source"].get("path"), tree.get("scoring", {}).get("statistics")):
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(b"{}")
    for path in (tree.get("scoring", {}).get("reference"), tree.get("control", {}).get("path"), "bundle"):
        if path:
            Path(path).mkdir(parents=True, exist_ok=True)
    if "sinks" in tree:
        assert load_config(example, {"FRAUD__SCORING__BUNDLE": "bundle"}).sinks
    else:
        assert load_config_of(EntityJobConfig, example, {}).store.kind == "sqlite"


def test_rocksdb_has_bloom_filters_and_in_a_local_run_memory_of_its_own(directory: Path) -> None:
    file = directory / "job.yaml"
    memory, filters = "taskmanager.memory.managed.size", "state.backend.rocksdb.use-bloom-filter"
    found: dict[str, tuple[str | None, str | None]] = {}
    for name, more in {
        "heap": "state: {backend: hashmap}",
        "rocksdb": "state: {backend: rocksdb}",
        "own": f"state: {{backend: rocksdb}}\nflink: {{extra: {{{memory}: 1g, {filters}: 'false'}}}}",
        "managed": "state: {backend: rocksdb}\nflink: {managed: true}",
    }.items():
        file.write_text(f"{MINIMAL}{more}\n")
        settings = flink_settings(load_config("job.yaml", {}))
        found[name] = settings.get(memory), settings.get(filters)
    assert found == {
        "heap": (None, None), "rocksdb": ("512m", "true"), "own": ("1g", "false"), "managed": (None, None),
    }  # fmt: skip
