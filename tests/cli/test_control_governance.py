"""`fraud control` with keys, approvals, history and verify, over a directory of control files."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events


class Bank:
    """A job's configuration, and persons with keys."""

    def __init__(self, folder: Path, tree: dict[str, Any]) -> None:
        self.folder, self.tree = folder, tree
        self.job = folder / "job.yaml"
        self.write()

    def write(self, **control: Any) -> None:
        self.tree["control"] |= control
        self.job.write_text(yaml.safe_dump(self.tree))

    def key_of(self, person: str) -> str:
        file = self.folder / f"{person}.pem"
        line = self("keygen", str(file), "--person", person, config=False).output.strip()
        self.write(trusted_keys=[*self.tree["control"].get("trusted_keys", []), line])
        return str(file)

    def __call__(self, *arguments: str, config: bool = True, fails: bool = False) -> Result:
        result = CliRunner().invoke(main, ["control", *arguments, *(("--config", str(self.job)) if config else ())])
        assert result.exit_code == (2 if fails else 0), result.output
        return result

    def refusal(self, *arguments: str, config: bool = True) -> str:
        """The one line of an error."""
        lines = self(*arguments, config=config, fails=True).output.splitlines()
        assert lines[-1].startswith("Error: ")
        return lines[-1].removeprefix("Error: ")

    def files(self) -> list[Path]:
        return sorted((self.folder / "control").glob("publication-*"))


@pytest.fixture
def bank(configure: Configure, tmp_path: Path) -> Bank:
    (tmp_path / "control").mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(5)),
        control={"kind": "file", "path": str(tmp_path / "control"), "poll_interval_ms": 50},
    )
    return Bank(tmp_path, config.model_dump(mode="json"))


def test_private_keys_are_their_owners_alone(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = bank.key_of("alice")
    assert stat.S_IMODE(Path(alice).stat().st_mode) == 0o600
    assert bank.refusal("keygen", alice, config=False) == f"{alice} exists: a key is not overwritten, name another file"
    Path(alice).chmod(0o640)
    publish = ("publish", "--thresholds", "1,2,3", "--yes")
    assert bank.refusal(*publish, "--sign-with", alice).endswith(f"chmod 600 {alice}")
    monkeypatch.setenv("FRAUD_CONTROL_KEY", Path(alice).read_text())
    assert "by alice" in bank(*publish).output
    assert "by alice (signed)" in bank("history").output
    assert bank.refusal("publish", "--block", "user:U1", "--sign-with", "env:NOTHING").startswith(
        "the environment variable NOTHING is not set"
    )
    bank.job.chmod(0o600)
    assert bank.refusal("publish", "--block", "user:U1", "--sign-with", str(bank.job)).endswith(
        "not an unencrypted private key in PEM; make one by `fraud control keygen`"
    )


def test_unsigned_and_foreign_elements_are_refused_before_they_are_sent(bank: Bank) -> None:
    bank.key_of("alice")
    publish = ("publish", "--thresholds", "1,2,3", "--yes")
    assert bank.refusal(*publish).endswith(" did not sign: give --sign-with")
    mallory = bank.folder / "mallory.pem"
    bank("keygen", str(mallory), "--person", "alice", config=False)
    assert "which is not trusted" in bank.refusal(*publish, "--author", "alice", "--sign-with", str(mallory))
    assert bank.files() == []


def test_an_element_goes_from_its_author_by_an_approver_to_the_job(bank: Bank) -> None:
    alice, bob = bank.key_of("alice"), bank.key_of("bob")
    bank.write(approvals="required")
    change = ("--thresholds", "100,200,300", "--backtest", "b-77", "--sign-with", alice)
    assert bank.refusal("publish", *change, "--yes").endswith("`approve`), or use --emergency")
    file = str(bank.folder / "proposal.json")
    bank("propose", *change, "--out", file)
    assert "has no approval" in bank.refusal("publish", "--proposal", file, "--yes")
    assert bank.refusal("approve", file, "--sign-with", alice) == "author and approver are the same person, alice"
    assert "the approval is of backtest b-78" in bank.refusal("approve", file, "--backtest", "b-78", "--sign-with", bob)
    assert "bob approved thresholds version 1" in bank("approve", file, "--yes", "--sign-with", bob).output

    tampered = Path(file).read_text().replace('"hard_block": 300', '"hard_block": 1000')
    other = bank.folder / "tampered.json"
    other.write_text(tampered)
    assert bank.refusal("publish", "--proposal", str(other), "--yes").startswith(
        "thresholds version 1 was changed after its author wrote it"
    )
    again = bank.folder / "again.json"
    bank("propose", "--thresholds", "100,200,1000", "--backtest", "b-77", "--sign-with", alice, "--out", str(again))
    stale = json.loads(again.read_text())
    stale[0]["approval"] = json.loads(Path(file).read_text())[0]["approval"]
    again.write_text(json.dumps(stale))
    assert bank.refusal("publish", "--proposal", str(again), "--yes").startswith("the approval is of another content")

    assert "published thresholds version 1" in bank("publish", "--proposal", file, "--yes").output
    told = bank("history").output
    assert "accepted, thresholds version 1" not in told
    assert "accepted  thresholds version 1, by alice (signed), approved by bob, backtest b-77" in told
    assert "version 1 would be ignored: version 1 is the newest" in bank.refusal("publish", "--proposal", file, "--yes")


def test_an_emergency_is_published_at_once_and_approved_later(bank: Bank) -> None:
    alice, bob = bank.key_of("alice"), bank.key_of("bob")
    bank.write(approvals="required", approvals_except=["block-list"])
    bank("publish", "--block", "user:U1", "--sign-with", alice)
    bank("publish", "--thresholds", "1,2,3", "--emergency", "--yes", "--sign-with", alice)
    assert ", emergency until 20" in bank("history").output
    approve = ("approve", "--key", "thresholds", "--sign-with")
    assert bank.refusal(*approve, alice) == "author and approver are the same person, alice"
    assert "bob approved thresholds version 1" in bank(*approve, bob).output
    assert "no emergency publication" in bank.refusal("approve", "--key", "block-list/user:U1", "--sign-with", bob)
    in_force = bank("history", "--at", "2099-01-01T00:00:00Z").output
    assert "thresholds version 1, by alice (signed), approved by bob, emergency" in in_force
    assert "rules version" in in_force
    assert "until" not in in_force
    before = bank("history", "--at", "2001-01-01T00:00:00Z").output
    assert "thresholds version 0: what the job starts with" in before
    assert bank("verify").output.startswith("3 entries, each follows the one before it; the newest is 3:")


def test_whatever_is_done_to_the_files_is_told_with_its_position(bank: Bank) -> None:
    for number in range(1, 6):
        bank("publish", "--thresholds", f"{number},{number},{number}", "--yes")
    bank("publish", "--block", "card:C1")
    files = bank.files()
    whole = bank("verify").output
    head = whole.split()[-1]
    texts = {file: file.read_bytes() for file in files}

    def told(*options: str) -> list[str]:
        result = CliRunner().invoke(main, ["control", "verify", "--config", str(bank.job), *options])
        assert result.exit_code == 1, result.output
        for file, text in texts.items():
            file.write_bytes(text)
        return [line.replace(f"{files[0].parent}/", "") for line in result.output.splitlines()]

    files[2].write_bytes(texts[files[2]].replace(b'"hard_block":3', b'"hard_block":9'))
    assert told() == [
        f"entry 3 ({files[2].name}, line 1): number 3 was changed: it does not have the hash that it says"
    ]
    files[1].unlink()
    assert told() == [f"entry 2 ({files[2].name}, line 1): number 2 is missing before it: dropped or moved"]
    files[1].write_bytes(texts[files[3]])
    files[3].write_bytes(texts[files[1]])
    assert told() == [
        f"entry 2 ({files[1].name}, line 1): numbers 2 to 3 are missing before it: dropped or moved",
        f"entry 3 ({files[2].name}, line 1): number 3 comes after number 4: moved",
        f"entry 4 ({files[3].name}, line 1): number 2 comes after number 4: moved",
    ]
    assert bank("verify", "--head", head).exit_code == 0
    files[5].unlink()
    assert told("--head", head) == [
        f"the log does not have number 6 with hash {head.partition(':')[2]}: it was cut off or written anew"
    ]


def test_rejected_elements_are_in_the_history_as_rejected(bank: Bank) -> None:
    alice = bank.key_of("alice")
    (bank.folder / "control" / "by-hand.json").write_text(
        '{"kind":"thresholds","version":9,"refer_to_analyst":0,"soft_challenge":0,"hard_block":1000}\n'
    )
    (bank.folder / "control" / "nonsense.json").write_text("nonsense\n")
    shown = bank("publish", "--thresholds", "1,2,3", "--yes", "--sign-with", alice).output
    assert "published thresholds version 1:" in shown  # what is refused does not count
    assert "thresholds version 9 is not signed" in bank("show").output
    lines = bank("history").output.splitlines()
    assert [line.split("  ")[2].split(",")[0] for line in lines] == ["rejected", "rejected", "accepted"]
    assert any(line.endswith("thresholds version 9, thresholds version 9 is not signed") for line in lines)
