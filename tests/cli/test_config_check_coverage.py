"""`fraud config check` lists the model's inputs that the source lacks, for sources that it can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    lines = [
        {"transaction_id": f"T{n}", "user_id": f"U{n % 5}", "timestamp": 1_767_225_600_000 + n, "amount": 1.0}
        for n in range(40)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def checked(config: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["config", "check", str(config), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_inputs_that_a_file_lacks_are_printed(events: Path, tmp_path: Path) -> None:
    """The shipped bundle gives weight to every group of inputs."""
    config = tmp_path / "job.yaml"
    config.write_text(f"source: {{kind: file, path: {events}}}\nsinks: [{{kind: discard}}]\n")
    output = checked(config)
    assert "population statistics: none: rules that compare with the population are unknown" in output
    assert "(40 transactions sampled)" in output
    assert "device_id" in output
    assert "feeds of IP addresses and e-mail domains" in output
    assert "history of merchants, devices, categories" in output
    assert "coverage" not in checked(config, "--quiet")


def test_the_coverage_of_a_stream_is_reported_as_unknown(bundle: Path, tmp_path: Path) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(
        "source: {kind: kafka, connection: {bootstrap_servers: '127.0.0.1:9092'}}\n"
        f"sinks: [{{kind: discard}}]\nscoring: {{bundle: {bundle}}}\n"
    )
    assert "coverage: not known, since a source of kind kafka is not read here" in checked(config, "--offline")


def test_an_incomplete_bundle_is_refused(events: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    config = tmp_path / "job.yaml"
    config.write_text(
        f"source: {{kind: file, path: {events}}}\nsinks: [{{kind: discard}}]\nscoring: {{bundle: {tmp_path}/bundle}}\n"
    )
    result = CliRunner().invoke(main, ["config", "check", str(config)])
    assert result.exit_code == 2
    assert "manifest.json: missing; the bundle is incomplete" in result.output
