"""Every configuration in deploy/conf is one, and `fraud config check` explains each key of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main

PROJECT = Path(__file__).parents[2]
EXAMPLES = sorted((PROJECT / "deploy" / "conf").glob("*.yaml"))


def leaves(value: Any, path: str = "") -> set[str]:
    """The keys of a YAML file down to its values; a list of plain values is a value."""
    if isinstance(value, dict):
        return {leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}" if path else str(key))}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {leaf for place, inner in enumerate(value) for leaf in leaves(inner, f"{path}.{place}")}
    return {path}


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with what the examples say is made first."""
    (tmp_path / "out" / "history" / "reference").mkdir(parents=True)
    (tmp_path / "out" / "history" / "events.jsonl").write_bytes(b"{}\n")
    (tmp_path / "out" / "history" / "reference" / "users.jsonl").write_bytes(b"")
    (tmp_path / "out" / "control").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid_and_each_of_its_keys_is_explained(example: Path) -> None:
    result = CliRunner().invoke(main, ["config", "check", str(example), "--offline"])
    assert result.exit_code == 0, result.output
    stated = result.output.split("\n\n")[0]  # what is known of the input follows
    lines = [line for line in stated.splitlines() if not line.startswith("warning: ")]
    assert f"{example}: valid; " in lines[0]
    explained = {lines[at].partition(": ")[0]: lines[at + 1].strip() for at in range(1, len(lines), 2)}
    assert set(explained) == leaves(yaml.safe_load(example.read_text()))
    assert all(len(meaning) >= 4 for meaning in explained.values()), explained


@pytest.mark.usefixtures("history")
def test_defaults_are_explained_on_request_and_values_that_sound_like_secrets_are_not_shown(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        "source: {kind: file, path: out/history/events.jsonl}\nsinks: [{kind: print}]\n"
        "flink: {extra: {s3.secret-key: planted, s3.endpoint: 'http://127.0.0.1'}}\n"
    )
    output = CliRunner().invoke(main, ["config", "check", str(job), "--all"]).output
    assert "flink.extra.s3.secret-key: (hidden)" in output
    assert "planted" not in output
    assert "flink.extra.s3.endpoint: http://127.0.0.1" in output
    assert "state.checkpoint_interval_ms: 10000 (default)\n    time between checkpoints" in output
    quiet = CliRunner().invoke(main, ["config", "check", str(job), "--quiet"]).output
    first, *warnings = quiet.splitlines()
    assert first == f"{job}: valid; file -> print, parallelism 1"
    assert [line.split(";")[0] for line in warnings] == [
        "warning: not configured: user profiles (users.jsonl, or the store)",
        "warning: not configured: population statistics (`fraud stats`, scoring.statistics)",
    ]
