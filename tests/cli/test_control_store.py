"""`fraud control propose`, `approve` and `publish` over a console's decision store, beside its API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from console.control_desk import ApprovalRequest, ControlDesk, ProposalRequest
from console.store.control import ControlStore
from console.store.move import move
from console.store.store import DecisionStore
from jobs.config.loading import load_config
from tests.cli.test_control_governance import Bank, bank
from tests.console.conftest import postgresql
from tests.console.store.conftest import new_url, url

__all__ = ["bank", "new_url", "postgresql", "url"]

CHANGE = ("--thresholds", "100,200,300", "--backtest", "b-77")
DAY_MS = 86_400_000


def content_of(shown: str) -> str:
    return shown.split("content ")[1].split(",")[0].strip()


def row_of(url: str, number: int = 1) -> Any:
    store = DecisionStore.open(url)
    try:
        return ControlStore(store.database).proposal(number)
    finally:
        store.close()


def execute(url: str, statement: str) -> None:
    store = DecisionStore.open(url)
    with store.database.write() as connection:
        connection.execute(text(statement))
    store.close()


def audited(url: str) -> list[tuple[str, str]]:
    store = DecisionStore.open(url)
    entries = [(one.who.partition(",")[0], one.what) for one in reversed(store.audit_log(None, 100).items)]
    store.close()
    return entries


def test_an_element_goes_from_its_author_by_an_approver_to_the_job(bank: Bank, url: str) -> None:
    alice, bob = bank.key_of("alice"), bank.key_of("bob")
    bank.write(approvals="required")
    store = ("--store", url)
    proposed = bank("propose", *CHANGE, "--sign-with", alice, *store).output.splitlines()[-1]
    assert proposed.endswith(", proposal 1")
    content = content_of(proposed)
    assert bank("proposals", *store).output.startswith("1  proposed  thresholds version 1: refer to analyst above 100")
    approve = ("approve", *store, "--proposal", "1", "--content", content, "--sign-with")
    assert bank.refusal("publish", *store, "--proposal", "1", "--yes") == "thresholds version 1 has no approval"
    assert bank.refusal(*approve, alice) == "author and approver are the same person, alice"
    assert bank.refusal("approve", *store, "--proposal", "1", "--content", "0" * 16, "--sign-with", bob) == (
        "the approval is of another content: read the proposal again"
    )
    assert bank.refusal(*approve, bob, "--backtest", "b-78") == "the proposal rests on backtest b-77: approve that one"
    assert bank.refusal(*approve, bob, "--approver", "carol").endswith("is of bob, not of the approver carol")
    assert bank.files() == []

    approved = bank(*approve, bob).output
    assert approved.startswith("bob approved thresholds version 1")
    assert bank.refusal(*approve, bob) == "bob approved it already"
    assert bank("proposals", *store).output.startswith("1  approved")
    assert "published thresholds version 1" in bank("publish", *store, "--proposal", "1", "--yes").output
    assert bank.refusal("publish", *store, "--proposal", "1", "--yes") == "it was published already"
    assert "by alice (signed), approved by bob, backtest b-77" in bank("history").output
    assert bank("verify", *store).exit_code == 0
    person = audited(url)[-1][0]
    assert audited(url) == [
        ("alice", "control element proposed"), (person, "control element publication refused"),
        ("alice", "control element approval refused"), ("bob", "control element approval refused"),
        ("bob", "control element approval refused"), ("carol", "control element approval refused"),
        ("bob", "control element approved"), ("bob", "control element approval refused"),
        (person, "control element published"), (person, "control element publication refused"),
    ]  # fmt: skip


def test_what_is_shown_is_asked_about_before_it_is_approved(bank: Bank, url: str) -> None:
    from click.testing import CliRunner

    from cli.main import main

    bank("propose", *CHANGE, "--author", "alice", "--store", url)
    arguments = [
        "control",
        "approve",
        "--config",
        str(bank.job),
        "--store",
        url,
        "--proposal",
        "1",
        "--approver",
        "bob",
    ]
    for answer, code, told in (("", 2, "nothing was approved: give --yes to approve"), ("n\n", 2, "nothing was approved"),
                               ("y\n", 0, "bob approved thresholds version 1")):  # fmt: skip
        asked = CliRunner().invoke(main, arguments, input=answer)
        assert (asked.exit_code, told in asked.output) == (code, True), asked.output
        assert "hard block above 300" in asked.output
        assert "approve this?" in asked.output


def test_an_unsigned_element_and_one_that_was_changed_are_refused(bank: Bank, url: str) -> None:
    alice, bob = bank.key_of("alice"), bank.key_of("bob")
    store = ("--store", url)
    assert bank.refusal("propose", *CHANGE, "--author", "alice", *store) == "the author alice did not sign"
    mallory = bank.folder / "mallory.pem"
    bank("keygen", str(mallory), "--person", "alice", config=False)
    refused = bank.refusal("propose", *CHANGE, "--author", "alice", "--sign-with", str(mallory), *store)
    assert refused.endswith("which is not trusted")
    assert bank("proposals", *store).output == ""
    bank("propose", *CHANGE, "--sign-with", alice, *store)
    execute(url, "UPDATE control_proposals SET body = replace(body, 'block\": 300', 'block\": 999')")
    for command in (
        ("approve", "--proposal", "1", "--yes", "--sign-with", bob),
        ("publish", "--proposal", "1", "--yes"),
    ):
        assert bank.refusal(*command, *store) == "thresholds version 1 was changed after its author wrote it"
    execute(url, "UPDATE control_proposals SET body = 'nothing'")
    assert "Traceback" not in bank.refusal("publish", "--proposal", "1", "--yes", *store)
    assert bank.files() == []


def test_a_log_that_was_tampered_with_is_refused(bank: Bank, url: str) -> None:
    store = ("--store", url)
    for number in (1, 2):
        bank("propose", "--thresholds", f"{number},{number},{number}", "--author", "alice", *store)
        bank("approve", *store, "--proposal", str(number), "--yes", "--approver", "bob")
        bank("publish", *store, "--proposal", str(number), "--yes")
    bank("propose", "--thresholds", "9,9,9", "--author", "alice", *store)
    approve = ("approve", *store, "--proposal", "3", "--yes", "--approver", "bob")
    first = bank.files()[0]
    kept = first.read_bytes()
    start = "the log of what was published is not whole (`fraud control verify` tells all): "
    first.write_bytes(kept.replace(b'"hard_block":1', b'"hard_block":7'))
    assert bank.refusal(*approve) == f"{start}entry 1 ({first}, line 1): the control stream has something else there"
    first.write_bytes(kept)
    execute(url, "UPDATE control_log SET at_ms = 1 WHERE number = 2")
    assert bank.refusal(*approve).startswith(f"{start}entry 2 (")
    bank("propose", "--block", "user:U1", "--author", "alice", *store)
    assert bank.refusal("publish", *store, "--proposal", "4", "--yes").startswith(start)
    assert len(bank.files()) == 2


def test_command_and_api_work_on_the_same_proposals(bank: Bank, url: str) -> None:
    store = DecisionStore.open(url)
    now_ms = 1_767_614_400_000
    desk = ControlDesk(store, load_config(bank.job), None, lambda: now_ms)
    rule = {"id": "mule", "points": 5, "when": "user_id in @mules", "reason": "x"}
    rules = {"kind": "rules", "rule_set": {"name": "r", "scale": [[0, 0], [1, 1000]], "rules": [rule]}}
    with pytest.raises(ValueError, match="rule mule: unknown list '@mules'"):
        desk.propose("alice", ProposalRequest(element=rules))
    entries = [{"value": "U1"}]
    made = desk.propose(
        "alice", ProposalRequest(element={"kind": "list", "name": "mules", "type": "user", "entries": entries})
    )
    bank("approve", "--store", url, "--proposal", str(made.proposal_id), "--yes", "--approver", "bob")
    bank("publish", "--store", url, "--proposal", str(made.proposal_id), "--yes")
    file = bank.folder / "rules.json"
    file.write_text(json.dumps(rules["rule_set"] | {"version": 1}))
    bank("propose", "--rules", str(file), "--author", "bob", "--store", url)
    (newest, *_) = desk.proposals(10)
    desk.approve("carol", newest.proposal_id, ApprovalRequest(element_sha256=newest.proposal.authorship.element_sha256))
    assert (
        "published rules version"
        in bank("publish", "--store", url, "--proposal", str(newest.proposal_id), "--yes").output
    )
    store.close()


def test_an_emergency_of_a_proposal_is_approved_afterwards(bank: Bank, url: str) -> None:
    bank.write(approvals="required")
    store = ("--store", url)
    bank("propose", *CHANGE, "--emergency", "--author", "alice", *store)
    bank("publish", *store, "--proposal", "1", "--yes")
    assert ", emergency until 20" in bank("history").output
    bank("approve", *store, "--proposal", "1", "--yes", "--approver", "bob")
    in_force = bank("history", "--at", "2099-01-01T00:00:00Z").output
    assert "approved by bob, backtest b-77, emergency" in in_force


def test_what_the_user_can_put_right_is_one_line(bank: Bank, tmp_path: Path) -> None:
    url, missing = f"sqlite:///{tmp_path / 'store.sqlite'}", f"sqlite:///{tmp_path / 'missing.sqlite'}"
    DecisionStore.open(url).close()
    cases = {
        ("propose", *CHANGE): "give --out, a file to write, or --store",
        ("propose", *CHANGE, "--out", "x", "--store", url): "give --out, a file to write, or --store",
        ("approve", "--store", url): "--store, --proposal and --config belong together",
        ("approve", "file.json", "--store", url, "--proposal", "1"): "--store, --proposal and --config belong together",
        ("approve", "--store", url, "--proposal", "9", "--yes"): "no proposal has the id 9",
        ("approve", "--store", missing, "--proposal", "9", "--yes"): "there is no such decision store",
        ("approve", "--store", url, "--proposal", "p.json"): "with --store give the number of a proposal",
        ("publish", "--store", url): "--store needs --proposal",
        ("publish", "--store", url, "--proposal", "1", "--block", "user:U1"): "give no other option",
        ("publish", "--store", "mysql://x", "--proposal", "1"): "mysql",
    }
    for arguments, told in cases.items():
        assert told in bank.refusal(*arguments), arguments


def test_numbers_of_proposals_go_on_after_a_move(bank: Bank, new_url: Callable[[str], str]) -> None:
    old, new = new_url("sqlite"), new_url("postgresql")
    bank("propose", *CHANGE, "--author", "alice", "--store", old)
    source, target = DecisionStore.open(old), DecisionStore.open(new)
    move(source, target)
    source.close()
    target.close()
    assert "proposal 2" in bank("propose", "--block", "user:U1", "--author", "alice", "--store", new).output
    assert row_of(new, 1).proposal == row_of(old, 1).proposal
