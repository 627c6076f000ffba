"""Commands that read a decision store make none where the file's name is mistyped."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main

CONFIG = ("--config", "job.yaml")
READING = (
    ("replay", "--transaction", "T1"),
    ("console", "keys", "list"),
    ("console", "keys", "revoke", "shop"),
    ("console", "users", "list"),
    ("console", "users", "role", "anna", "admin"),
    ("console", "users", "disable", "anna"),
    ("console", "store", "backup", "copy.sqlite"),
    ("console", "store", "retain"),
    ("console", "store", "erase", "--user", "U1"),
    ("console", "store", "move", "--to", "postgresql://user@127.0.0.1:1/none"),
    ("control", "verify"),
    ("control", "history", *CONFIG),
    ("control", "proposals", *CONFIG),
)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_store_that_is_not_there_is_refused_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "control").mkdir()
    (tmp_path / "job.yaml").write_text("""\
source: {kind: file, path: events.jsonl}
control: {kind: file, path: control}
sinks: [{kind: discard}]
""")
    refused = CliRunner().invoke(main, [*command, "--store", "sqlite:///nope/store.sqlite"])
    assert refused.exit_code == 2, refused.output
    assert refused.output.splitlines()[-1] == (
        "Error: nope/store.sqlite: there is no such decision store; a console makes one when it starts"
    )
    assert not (tmp_path / "nope").exists()


def test_backtests_and_exports_read_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (
        ["rules", "effectiveness", "--over", "sqlite:///nope.sqlite"],
        ["store", "export", "--to", "decisions.parquet", "--store", "sqlite:///nope.sqlite"],
    ):
        refused = CliRunner().invoke(main, command)
        assert refused.exit_code == 2
        assert "nope.sqlite: there is no such decision store" in refused.output
    assert not (tmp_path / "nope.sqlite").exists()


def test_the_first_key_and_the_first_person_make_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRAUD_CONSOLE_PASSWORD", "correct horse battery")
    url = "sqlite:///own/store.sqlite"
    assert (
        CliRunner().invoke(main, ["console", "users", "add", "anna", "--role", "admin", "--store", url]).exit_code == 0
    )
    added = CliRunner().invoke(main, ["console", "keys", "add", "shop", "--role", "scorer", "--store", url])
    assert added.exit_code == 0
    listed = CliRunner().invoke(main, ["console", "keys", "list", "--store", url])
    assert listed.output.startswith("shop  scorer  added ")
