"""`fraud control publish` shows what a publication replaces, asks, and keeps who did it and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from udfs.control.elements import ControlError, ThresholdsControl, decode_control, encode_control
from udfs.control.envelope import decode_record
from udfs.rules.pack_files import shipped_pack

ONE_RULE = {
    "name": "mine",
    "version": 1,
    "scale": [[0, 0], [50, 600]],
    "rules": [{"id": "big", "points": 50, "when": "amount > 500", "reason": "big"}],
}


@pytest.fixture
def job(configure: Configure, tmp_path: Path) -> Path:
    """A job's configuration with an empty directory of control files."""
    (tmp_path / "control").mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(5)),
        control={"kind": "file", "path": str(tmp_path / "control"), "poll_interval_ms": 50},
    )
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return file


def fraud(job: Path, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["control", *arguments, "--config", str(job)], input=answer)


def rules_file(job: Path, **changed: Any) -> str:
    file = job.parent / "rules.yaml"
    file.write_text(yaml.safe_dump(ONE_RULE | changed))
    return str(file)


def published(job: Path) -> list[bytes]:
    return [line for file in sorted((job.parent / "control").glob("*")) for line in file.read_bytes().splitlines()]


def test_one_rule_over_the_whole_pack_is_not_published_without_a_yes(job: Path) -> None:
    pack = shipped_pack("bank")
    result = fraud(job, "publish", "--rules", rules_file(job))
    assert result.exit_code == 2
    assert (
        f"rules: bank version {pack.version} ({len(pack.rules)} rules) -> mine version {pack.version + 1} (1 rules): "
        f"{len(pack.rules)} removed, 1 added, 0 changed, 0 as before"
    ) in result.output
    assert f"  - {pack.rules[0].id}\n" in result.output
    assert "nothing was published: give --yes" in result.output
    assert published(job) == []

    result = fraud(job, "publish", "--rules", rules_file(job), answer="n\n")
    assert result.exit_code == 2
    assert published(job) == []
    assert fraud(job, "publish", "--rules", rules_file(job), answer="y\n").exit_code == 0
    assert len(published(job)) == 1


def test_the_changes_are_those_against_what_was_published_last(job: Path) -> None:
    assert fraud(job, "publish", "--rules", rules_file(job), "--yes").exit_code == 0
    (rule,) = ONE_RULE["rules"]  # type: ignore[misc]
    changed = rules_file(job, rules=[rule | {"points": 40}], scale=[[0, 0], [50, 700]])  # type: ignore[operator]
    output = fraud(job, "publish", "--rules", changed, "--thresholds", "500,700,900", "--yes").output
    assert "0 removed, 0 added, 1 changed, 0 as before" in output
    assert "  ~ big (50 points): amount > 500 -> big (40 points): amount > 500\n" in output
    assert "  scale: [[0, 0], [50, 600]] -> [[0, 0], [50, 700]]\n" in output
    assert "threshold hard_block: of the bundle -> 900\n" in output
    output = fraud(job, "publish", "--thresholds", "500,700,950", "--yes").output
    assert "threshold hard_block: 900 -> 950\n" in output


def test_the_jobs_files_need_not_be_on_the_publishers_machine(job: Path) -> None:
    elsewhere = {"bundle": "/elsewhere/bundle", "statistics": "/elsewhere/s.json", "reference": "/elsewhere/reference"}
    tree = yaml.safe_load(job.read_text())
    tree["scoring"] |= elsewhere
    tree["source"]["path"] = "/elsewhere/events.jsonl"
    job.write_text(yaml.safe_dump(tree))
    result = fraud(job, "publish", "--rules", rules_file(job), "--yes")
    assert result.exit_code == 0, result.output
    assert (
        "warning: the rules are checked without the attributes of the job's bundle: /elsewhere/bundle" in result.output
    )
    assert len(published(job)) == 1
    assert fraud(job, "show").exit_code == 0
    wrong = rules_file(job, version=9, rules=[{"id": "big", "points": 50, "when": "amonut > 500", "reason": "big"}])
    result = fraud(job, "publish", "--rules", wrong, "--yes")
    assert result.exit_code == 2
    assert "unknown name 'amonut'" in result.output
    assert len(published(job)) == 1


def test_author_and_note_are_kept_and_shown(job: Path) -> None:
    arguments = ["--thresholds", "500,700,900", "--yes", "--author", "kim", "--note", "fewer false alarms"]
    assert fraud(job, "publish", *arguments).exit_code == 0
    (line,) = published(job)
    element = decode_record(line).element
    assert element is not None
    assert (element.author, element.note) == ("kim", "fewer false alarms")
    assert "hard block above 900, by kim (fewer false alarms)" in fraud(job, "show").output


def test_an_entry_of_the_block_list_is_published_without_a_question(job: Path) -> None:
    assert fraud(job, "publish", "--block", "user:U1", "--reason", "FRAUD").exit_code == 0
    assert len(published(job)) == 1


@pytest.mark.parametrize("text", ["two\\nlines", "\\u001b[2J", "x" * 257, ""])
def test_a_note_is_one_printable_line(text: str) -> None:
    thresholds = '"version": 1, "refer_to_analyst": 1, "soft_challenge": 2, "hard_block": 3'
    element = '{"kind": "thresholds", ' + thresholds + ', "note": "%s"}'
    with pytest.raises(ControlError, match=r"note .* must be one printable line of at most 256 bytes"):
        decode_control((element % text).encode())


def test_elements_without_author_have_the_bytes_of_earlier_versions() -> None:
    element = ThresholdsControl(version=1, refer_to_analyst=1, soft_challenge=2, hard_block=3)
    assert encode_control(element) == (
        b'{"kind":"thresholds","version":1,"refer_to_analyst":1,"soft_challenge":2,"hard_block":3}'
    )
