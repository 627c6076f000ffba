"""Files with personal data that the command line writes are readable by their owner only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, SHARED, main
from tests.ingest.conversions import PLAIN_MAPPING

GOOD = "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n"
BAD_ROW = "2,17,yesterday,57.16\n"


def modes(folder: Path) -> set[tuple[str, int]]:
    """("file" or "folder", mode) of all below a folder, and of itself."""
    found = [folder, *folder.rglob("*")]
    return {("folder" if path.is_dir() else "file", path.stat().st_mode & 0o777) for path in found}


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    previous = os.umask(0o022)
    yield
    os.umask(previous)


def test_simulated_converted_and_counted_payments_are_the_owners(tmp_path: Path) -> None:
    runner, events = CliRunner(), tmp_path / "events"
    small = ["--users", "30", "--days", "3"]
    assert runner.invoke(main, ["simulate", "--out", str(events), *small]).exit_code == 0
    assert modes(events) == {("file", 0o600), ("folder", 0o700)}

    (tmp_path / "mine.csv").write_text(GOOD + BAD_ROW)
    (tmp_path / "m.yaml").write_text(PLAIN_MAPPING)
    arguments = ["--input", str(tmp_path / "mine.csv"), "--mapping", str(tmp_path / "m.yaml")]
    converted = runner.invoke(main, ["convert", *arguments, "--out", str(tmp_path / "new" / "converted")])
    assert converted.exit_code == 1, converted.output
    assert modes(tmp_path / "new") == {("file", 0o600), ("folder", 0o700)}

    counted = tmp_path / "counted"
    result = runner.invoke(main, ["aggregate", "--events", str(events / "events.jsonl"), "--out", str(counted)])
    assert result.exit_code == 0, result.output
    assert modes(counted) == {("file", 0o600), ("folder", 0o700)}


def test_the_umask_is_the_users_again_afterwards(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["simulate", "--out", str(tmp_path / "events"), "--users", "30", "--days", "1"])
    (tmp_path / "another").touch()
    assert (tmp_path / "another").stat().st_mode & 0o777 == 0o644


def test_commands_whose_files_jobs_of_others_read_are_named() -> None:
    assert SHARED.issubset(COMMANDS)
    assert {"score", "convert", "simulate", "topics", "parity", "report", "aggregate"}.isdisjoint(SHARED)
