"""The Managed Service's runtime properties as configuration, and the package that it runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cli.managed_flink_core import EXTENSION
from cli.managed_flink_package import DEPENDENCIES, build, install_wheels, locked_requirements
from jobs.config.application_properties import load_managed_config, read_property_group
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.loading import parse_config
from jobs.managed_flink import main
from jobs.runtime.connectors import VARIABLE
from jobs.runtime.environment import flink_settings
from tests.servers.ports import free_ports

PROJECT = Path(__file__).parents[2]
SERVERS = "b-1.example:9094,b-2.example:9094"
PROPERTIES = {
    "config": "conf/managed_flink_kafka.yaml",
    "source.connection.bootstrap_servers": SERVERS,
    "sinks.0.connection.bootstrap_servers": SERVERS,
    "sinks.0.topic_prefix": "fraud.",
    "scoring.thresholds.hard_block": "950",
    "scoring.log_features": "false",
    "store.region": "eu-central-1",
}


def written(path: Path, properties: dict[str, str], group: str = "fraud") -> Path:
    """The file as the service writes it, with the group of its own beside ours."""
    own = {"PropertyGroupId": "kinesis.analytics.flink.run.options", "PropertyMap": {"python": "main.py"}}
    path.write_text(json.dumps([own, {"PropertyGroupId": group, "PropertyMap": properties}]))
    return path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package's folder with the shipped configurations."""
    shutil.copytree(PROJECT / "deploy" / "conf", tmp_path / "conf")
    return tmp_path


def test_properties_go_over_the_file_of_the_package_and_variables_over_both(package: Path) -> None:
    file = written(package / "properties.json", PROPERTIES)
    config = load_managed_config(package, file, {"FRAUD__SCORING__THRESHOLDS__HARD_BLOCK": "960"})
    assert config.source.connection.bootstrap_servers == SERVERS
    assert config.sinks[0].topic_prefix == "fraud."
    assert (config.scoring.thresholds.hard_block, config.scoring.log_features) == (960, "none")
    assert (config.store.region, config.store.table_prefix) == ("eu-central-1", "fraud-")
    assert config.flink.managed


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"scoring.thresholds.hard_block": "1950"}, "scoring.thresholds.hard_block"),
        ({"source.topisc": "events"}, "source.topisc"),
        ({"config": "../elsewhere.yaml"}, "is outside the package"),
        ({"config": "conf/none.yaml"}, "none.yaml: cannot be read"),
        ({"state.checkpoint_dir": "s3://bucket/checkpoints"}, "the platform sets state.checkpoint_dir"),
    ],
)
def test_a_wrong_property_is_named_in_one_line(package: Path, properties: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_managed_config(package, written(package / "properties.json", properties), {})
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("{}", "must be a list of property groups"),
        ("[]", "exactly one property group 'fraud' is required; the groups are: none"),
        ('[{"PropertyGroupId": "Fraud", "PropertyMap": {}}]', "the groups are: Fraud"),
        ('[{"PropertyGroupId": "fraud", "PropertyMap": {"a": 1}}]', "must hold strings"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_broken_properties_file_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "properties.json").write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_property_group(tmp_path / "properties.json")


def test_a_missing_properties_file_says_where_this_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Managed Service only"):
        read_property_group(tmp_path / "none.json")


def managed() -> JobConfig:
    """A managed job over topics."""
    connection = {"bootstrap_servers": SERVERS}
    tree = {
        "source": {"kind": "kafka", "connection": connection, "start": "group-offsets"},
        "sinks": [{"kind": "kafka", "connection": connection}],
        "state": {"backend": "rocksdb"},
        "flink": {"managed": True, "parallelism": 4, "restart_attempts": 20},
    }
    return parse_config(tree)


def test_a_managed_job_sets_only_options_that_the_service_permits_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFLINK_GATEWAY_PORT", "1")  # as under `flink run`, where connectors may be missing
    settings = flink_settings(managed())
    settings.pop("pipeline.jars", None)
    assert settings == {
        "pipeline.name": "score-transactions",
        "pipeline.object-reuse": "true",
        "pipeline.max-parallelism": "128",
        "python.execution-mode": "thread",
    }


def test_both_of_kafkas_jars_in_the_package_go_with_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records compressed by zstd need the second."""
    jars = [tmp_path / name for name in ("flink-sql-connector-kafka-5.0.0-2.2.jar", "zstd-jni-1.5.6-10.jar")]
    for jar in jars:
        jar.write_bytes(b"a jar")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert flink_settings(managed())["pipeline.jars"] == ";".join(f"file://{jar}" for jar in jars)


def test_the_start_tells_which_rules_cannot_hit_and_a_missing_broker_in_one_line(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(package / "lib"))
    broker = f"127.0.0.1:{free_ports(1)[0]}"
    own = {"source.connection.bootstrap_servers": broker, "sinks.0.connection.bootstrap_servers": broker}
    properties = written(package / "properties.json", PROPERTIES | own)
    assert main(package, properties) == 2
    warning, error = capsys.readouterr().err.splitlines()
    assert warning == (
        "warning: not configured: population statistics (`fraud stats`, scoring.statistics); 3 rules need it and cannot hit "
        "by it: large_amount_without_otp, unusual_distance_from_home, risky_city"
    )
    assert error.startswith(f"error: Kafka at {broker}: connection refused")


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole package, with one jar."""
    directory = tmp_path_factory.mktemp("package")
    jar = directory / "flink-sql-connector-kafka-1.jar"
    jar.write_bytes(b"a jar")
    wheels = PROJECT / ".cache" / "managed-flink-wheels"
    install_wheels(wheels, PROJECT / "requirements.lock")
    contents = build(directory / "app.zip", wheels, [jar], PROJECT, (PROJECT / EXTENSION).read_bytes())
    assert contents.jars == ("flink-sql-connector-kafka-1.jar",)
    assert contents.zip_bytes == (directory / "app.zip").stat().st_size
    return directory / "app.zip"


def test_the_package_holds_code_bundle_configuration_jars_and_wheels_of_the_services_python(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        names = set(archive.namelist())
        tags = {
            line.removeprefix("Tag: ").strip()
            for name in names
            if name.endswith(".dist-info/WHEEL")
            for line in archive.read(name).decode().splitlines()
            if line.startswith("Tag: ")
        }
    assert {
        "main.py",
        "python/jobs/managed_flink.py",
        "python/udfs/scoring/scorer.py",
        "python/udfs/rules/packs/bank.yaml",
        "python/ingest/stream_decoder.py",
        "python/models/bundles/default/model.onnx",
        "python/models/bundles/default_statistics.json",
        "conf/managed_flink.yaml",
        "conf/managed_flink_kafka.yaml",
        "lib/flink-sql-connector-kafka-1.jar",
    } <= names
    assert not [name for name in names if name.startswith(("python/pyflink", "python/tests", "python/bin"))]
    native = [name for name in names if ".cpython-3" in name]
    assert native
    assert all(".cpython-312-x86_64-linux-gnu.so" in name for name in native)
    assert all(tag.split("-")[2] == "any" or "x86_64" in tag for tag in tags), tags


def test_the_packages_dependencies_are_the_locks(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        folders = {name.split("/")[1].lower().replace("_", "-") for name in archive.namelist() if "dist-info" in name}
    for requirement in locked_requirements(PROJECT / "requirements.lock", DEPENDENCIES):
        assert requirement.replace("==", "-") + ".dist-info" in folders


def test_the_same_content_gives_the_same_package(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    for name in ("first.zip", "second.zip"):
        build(tmp_path / name, tmp_path / "wheels", [], PROJECT, b"core")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_the_unpacked_code_runs_on_its_own_and_names_the_wrong_property(zipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        ours = ("main.py", "conf/", "python/jobs/", "python/udfs/", "python/ingest/", "python/models/")
        archive.extractall(tmp_path, [name for name in archive.namelist() if name.startswith(ours)])
    properties = written(tmp_path / "properties.json", PROPERTIES | {"source.start": "yesterday"})
    program = (
        "import sys; from pathlib import Path; package = Path(sys.argv[1]); sys.path.insert(0, str(package / 'python'));"
        "import jobs.managed_flink as entry; assert entry.__file__.startswith(sys.argv[1]);"
        "sys.exit(entry.main(package, Path(sys.argv[2])))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(properties)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: source.start: ")
    assert finished.stderr.count("\n") == 1
