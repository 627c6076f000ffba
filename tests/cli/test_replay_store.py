"""`fraud replay --store`: a decision of the decision store is derived again from the events that the store has."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from console.store.intake_run import read_run
from console.store.store import DecisionStore
from tests.cli.test_replay import Decisions, decisions, page_of, replay, run, with_hits
from tests.console.conftest import postgresql
from tests.console.store.conftest import new_url, url

__all__ = ["decisions", "new_url", "postgresql", "run", "url"]

NEW_RULES = """
name: new
version: 1
scale: [[0, 0], [10, 650]]
rules: [{id: any, points: 10, when: amount >= 0, reason: x, action: hard_block}]
"""


@pytest.fixture
def fill(url: str) -> Callable[[Path], str]:
    """Reads a run into the store; returns its URL."""

    def of(folder: Path) -> str:
        store = DecisionStore.open(url)
        read_run(store, folder)
        store.close()
        return url

    return of


@pytest.fixture
def changed(run: Path, decisions: Decisions, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The run's folder with one decision that was recorded otherwise, and its transaction."""
    transaction = with_hits(decisions)[0]
    folder = tmp_path / "changed"
    shutil.copytree(run, folder)
    lines = []
    for line in (run / "decisions.jsonl").read_bytes().splitlines():
        decision = json.loads(line)
        if decision.get("transaction_id") == transaction:
            decision["risk_score"] += 1
            decision["rules"]["hits"] = ["gone"]
            decision["features"]["amount"] += 0.25
        lines.append(json.dumps(decision))
    (folder / "decisions.jsonl").write_text("\n".join(lines) + "\n")
    return folder, transaction


def test_decisions_of_a_store_are_the_same_as_recorded(
    run: Path, decisions: Decisions, fill: Callable[[Path], str]
) -> None:
    place = ("--store", fill(run), "--config", str(run / "job.yaml"))
    for transaction in [*with_hits(decisions)[:2], list(decisions)[-1]]:
        page = page_of(*place, "--transaction", transaction)
        assert page["differences"] == []
        assert page["recorded"]["features"] == decisions[transaction]["features"] == page["derived"]["features"]
        assert page["derived"]["rules"] == decisions[transaction]["rules"]
    result = replay(*place, "--transaction", with_hits(decisions)[0])
    assert result.stderr.endswith("note: the store has the user's events by their time, not in order of arrival\n")
    assert result.stdout.endswith("the same as recorded\n")


def test_without_a_configuration_the_defaults_are_named_as_a_cause(
    run: Path, decisions: Decisions, fill: Callable[[Path], str]
) -> None:
    result = replay("--store", fill(run), "--transaction", list(decisions)[-1], code=1)
    assert "note: without --config this is what the default configuration decides" in result.stderr


def test_each_difference_is_named(changed: tuple[Path, str], decisions: Decisions, fill: Callable[[Path], str]) -> None:
    folder, transaction = changed
    place = ("--store", fill(folder), "--config", str(folder / "job.yaml"), "--transaction", transaction)
    then = decisions[transaction]
    page = page_of(*place, code=1)
    assert page["differences"] == [
        {"name": "risk_score", "recorded": then["risk_score"] + 1, "derived": then["risk_score"]},
        {"name": "rules.hits", "recorded": ["gone"], "derived": then["rules"]["hits"]},
        {
            "name": "features.amount", "recorded": then["features"]["amount"] + 0.25,
            "derived": then["features"]["amount"],
        },
    ]  # fmt: skip
    shown = replay(*place, code=1).stdout
    assert "3 differences:" in shown
    assert f"  risk_score: recorded {then['risk_score'] + 1}, derived {then['risk_score']}\n" in shown


def test_with_other_rules_it_is_what_it_would_be(
    run: Path, decisions: Decisions, fill: Callable[[Path], str], tmp_path: Path
) -> None:
    rules = tmp_path / "new.yaml"
    rules.write_text(NEW_RULES)
    transaction = list(decisions)[-1]
    place = ("--store", fill(run), "--config", str(run / "job.yaml"), "--transaction", transaction)
    page = page_of(*place, "--with", str(rules))
    assert (page["would_be"]["rules"]["hits"], page["would_be"]["action"]) == (["any"], "hard_block")
    assert page["derived"]["rules"] == decisions[transaction]["rules"]
    assert page["would_be"]["features"] == page["derived"]["features"]


def test_what_cannot_be_derived_is_one_line(run: Path, decisions: Decisions, fill: Callable[[Path], str]) -> None:
    url = fill(run)
    config = ("--config", str(run / "job.yaml"))

    def refusal(*arguments: str) -> list[str]:
        return replay(*arguments, *config, code=2).output.splitlines()

    assert refusal("--store", url, "--transaction", "T-nowhere") == [
        "Error: the store has no decision on transaction T-nowhere"
    ]
    transaction, decision = next(iter(decisions.items()))
    assert refusal("--store", url, "--transaction", transaction, "--user", "U-nobody") == [
        f"Error: the store has no decision on transaction {transaction}"
    ]
    store = DecisionStore.open(url)
    with store.database.write() as connection:
        connection.execute(
            text("DELETE FROM events WHERE event_type = 'transaction' AND event_id = :id"), {"id": transaction}
        )
    store.close()
    assert refusal("--store", url, "--transaction", transaction, "--user", decision["user_id"]) == [
        f"Error: the store does not have the event of transaction {transaction}: give --log"
    ]
    (line,) = refusal("--store", "mysql://x", "--transaction", transaction)
    assert line.startswith("Error: mysql")


def test_a_transaction_id_of_two_users_needs_the_user(run: Path, fill: Callable[[Path], str], tmp_path: Path) -> None:
    lines = list(map(json.loads, (run / "decisions.jsonl").read_bytes().splitlines()))
    first: dict[str, Any] = next(one for one in lines if one["type"] == "decision")
    twice = tmp_path / "twice"
    twice.mkdir()
    other = first | {"decision_id": "f" * 32, "user_id": "U-other"}
    (twice / "decisions.jsonl").write_text(json.dumps(other) + "\n")
    fill(twice)
    place = ("--store", fill(run), "--config", str(run / "job.yaml"), "--transaction", first["transaction_id"])
    assert "is of 2 users (" in replay(*place, code=2).output
    assert page_of(*place, "--user", first["user_id"])["differences"] == []
