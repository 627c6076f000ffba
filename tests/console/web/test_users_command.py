"""`fraud console users`: people are added, listed, changed and disabled, and each change is audited."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from console.store.store import DecisionStore
from console.web.accounts import authenticated


def test_people_are_managed_by_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["console", "users", *arguments, "--store", url])

    monkeypatch.setenv("FRAUD_CONSOLE_PASSWORD", "short")
    refused = run("add", "anna", "--role", "analyst")
    assert (refused.exit_code, "give 12 to 256 characters" in refused.output) == (2, True)
    monkeypatch.setenv("FRAUD_CONSOLE_PASSWORD", "a long password")
    assert run("add", "anna", "--role", "analyst").output == "anna: added as analyst\n"
    assert "there is one of this name already" in run("add", "anna", "--role", "admin").output
    assert run("add", "a b", "--role", "admin").exit_code == 2
    assert run("add", "eve", "--role", "scorer").exit_code == 2
    monkeypatch.setenv("FRAUD_CONSOLE_PASSWORD", "another password")
    assert run("password", "anna").exit_code == run("role", "anna", "admin").exit_code == 0
    assert run("list").output == "anna  admin  may sign in\n"
    store = DecisionStore.open(url)
    assert authenticated(store.database, "anna", "a long password") is None
    found = authenticated(store.database, "anna", "another password")
    assert found is not None
    assert found.role == "admin"
    assert run("disable", "anna").exit_code == 0
    assert authenticated(store.database, "anna", "another password") is None
    assert run("disable", "nobody").exit_code == 2
    told = [entry.what for entry in store.audit_log().items]
    assert told == ["person disabled", "role changed", "password changed", "person added"]
    disabled, changed, *_ = store.audit_log().items
    assert (changed.before, changed.after) == ({"role": "analyst"}, {"role": "admin"})
    assert disabled.before == {"role": "admin", "state": "may sign in"}
    assert disabled.after == {"role": "admin", "state": "disabled"}
    assert "password" not in str([(entry.before, entry.after) for entry in store.audit_log().items])
    store.close()
