"""`fraud console store`, and a console that reads a scored run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from console.store.store import DecisionStore
from jobs.config.value_types import shipped_bundle
from models.replay import replay_outputs
from tests.console.api.serving import START_MS, console_process, payment, serving, wait_for
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

USERS = ("S1", "S2")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["console", *map(str, arguments)])


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def users_of(url: str) -> list[str]:
    store = DecisionStore.open(url)
    try:
        return sorted(one.user_id for one in store.decisions().items)
    finally:
        store.close()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of a console that has decided six payments of two users."""
    with serving(tmp_path) as running:
        for user in USERS * 3:
            assert running.client.post("/v1/decisions", json=payment(user_id=user)).status_code == 200
        wait_for(lambda: running.services.store_lag() == 0)
    return tmp_path


def test_a_lost_store_is_rebuilt_from_the_log(kept: Path) -> None:
    url = url_of(kept / "another.sqlite")
    result = run("store", "rebuild", "--log", kept / "scorer.sqlite", "--store", url)
    assert result.exit_code == 0, result.output
    assert users_of(url) == users_of(url_of(kept / "store.sqlite")) == ["S1"] * 3 + ["S2"] * 3
    assert run("store", "rebuild", "--log", kept / "scorer.sqlite", "--store", url).output == result.output
    assert len(users_of(url)) == 6
    wrong = run("store", "rebuild", "--store", url)
    assert (wrong.exit_code, "give one of --run, --config and --log" in wrong.output) == (2, True)
    missing = run("store", "rebuild", "--log", kept / "none", "--store", url)
    assert (missing.exit_code, "no such file" in missing.output) == (2, True)


def test_a_backup_is_a_store(kept: Path) -> None:
    result = run("store", "backup", kept / "copy.sqlite", "--store", url_of(kept / "store.sqlite"))
    assert result.exit_code == 0, result.output
    assert len(users_of(url_of(kept / "copy.sqlite"))) == 6
    again = run("store", "backup", kept / "copy.sqlite", "--store", url_of(kept / "store.sqlite"))
    assert (again.exit_code, "is there already" in again.output) == (2, True)


def test_an_erased_person_is_gone_and_the_erasure_is_audited(kept: Path) -> None:
    url = url_of(kept / "store.sqlite")
    result = run("store", "erase", "--user", "S1", "--store", url)
    assert "decisions: 3 rows removed" in result.output, result.output
    assert users_of(url) == ["S2"] * 3
    store = DecisionStore.open(url)
    entry = store.audit_log().items[0]
    store.close()
    assert (entry.what, "S1" in str(entry)) == ("user erased", False)


def test_old_decisions_are_removed(kept: Path) -> None:
    url = url_of(kept / "store.sqlite")
    result = run("store", "retain", "--decisions", 1, "--store", url)
    assert result.exit_code == 0, result.output
    assert users_of(url) == []


def test_the_upkeep_goes_by_the_shorter_name_too(kept: Path, tmp_path: Path) -> None:
    url = url_of(kept / "store.sqlite")
    copied = CliRunner().invoke(main, ["store", "backup", str(tmp_path / "copy.sqlite"), "--store", url])
    assert copied.exit_code == 0, copied.output
    assert users_of(url_of(tmp_path / "copy.sqlite")) == users_of(url) != []
    for command in ("rebuild", "move", "erase", "retain"):
        told = CliRunner().invoke(main, ["store", command, "--help"])
        assert told.exit_code == 0, told.output
    result = CliRunner().invoke(main, ["store", "retain", "--decisions", "1", "--store", url])
    assert (result.exit_code, users_of(url)) == (0, [])


def test_a_store_is_not_moved_onto_itself(kept: Path) -> None:
    result = run("store", "move", "--to", url_of(kept / "b.sqlite"), "--store", url_of(kept / "store.sqlite"))
    assert (result.exit_code, "from SQLite to PostgreSQL only" in result.output) == (2, True)


def test_a_scored_run_is_opened_for_reading(tmp_path: Path) -> None:
    decisions = scored_run(tmp_path / "run")
    with console_process(tmp_path, "--run", str(tmp_path / "run")) as (_, url), httpx.Client(base_url=url) as client:
        listed = client.get("/v1/decisions", params={"limit": 500}).json()["items"]
        assert {one["decision_id"]: one["risk_score"] for one in listed} == decisions
        timeline = client.get("/v1/users/S1/timeline").json()["items"]
        assert [item["kind"] for item in timeline] == ["login"] + ["decision"] * 5
        assert client.post("/v1/decisions", json=payment()).status_code == 503


def scored_run(folder: Path) -> dict[str, Any]:
    """A folder as `fraud score` leaves it; returns the scores of its decisions by id."""
    folder.mkdir()
    events: list[dict[str, Any]] = [payment(user_id=user, timestamp=START_MS + n) for n, user in enumerate(USERS * 5)]
    events.append({"type": "login", "event_id": "L1", "user_id": "S1", "timestamp": START_MS + 1_000})
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(), ScorerPaths(bundle=shipped_bundle()), logs)
    lines: dict[str, list[bytes]] = {"decisions": [], "alerts": [], "flags": [], "dead-letters": []}
    for output in replay_outputs(path, scorer, logs):
        lines[output.destination].append(output.value)
    for destination, values in lines.items():
        (folder / f"{destination.replace('-', '_')}.jsonl").write_bytes(b"".join(value + b"\n" for value in values))
    (folder / "run.json").write_text(json.dumps({"events": str(path)}))
    decisions = [json.loads(value) for value in lines["decisions"]]
    return {one["decision_id"]: one["risk_score"] for one in decisions}
