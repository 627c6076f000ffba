"""`fraud lists`: shows, changes and imports the lists of a running job by its control stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from console.store.rows import Batch
from console.store.store import DecisionStore
from jobs.control.file_channel import FileChannel
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from udfs.control.elements import ListControl
from udfs.records.codec import decode_event
from udfs.rules.pack_files import shipped_pack

DAY_MS = 86_400_000
START_LIST = {"name": "towns", "type": "city", "version": 5, "description": "of the pilot", "entries": ["Pune", "Goa"]}


@pytest.fixture
def job(configure: Configure, tmp_path: Path) -> Path:
    """A job's configuration with an empty directory of control files, and one list at the start."""
    (tmp_path / "control").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "towns.yaml").write_text(yaml.safe_dump(START_LIST))
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(5)),
        control={"kind": "file", "path": str(tmp_path / "control"), "poll_interval_ms": 50},
        scoring={"lists": str(tmp_path / "lists")},
    )
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return file


def fraud(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def lists(job: Path, *arguments: str | Path) -> Result:
    return fraud("lists", *arguments, "--config", job)


def newest(job: Path) -> ListControl:
    elements = [record.element for record in FileChannel(job.parent / "control").read()]
    return [element for element in elements if isinstance(element, ListControl)][-1]


def publish_rules(job: Path, *conditions: str) -> Result:
    rules = [{"id": f"r{number}", "points": 50, "when": when, "reason": "x"} for number, when in enumerate(conditions)]
    file = job.parent / "rules.yaml"
    file.write_text(yaml.safe_dump({"name": "own", "version": 1, "scale": [[0, 0], [50, 600]], "rules": rules}))
    return fraud("control", "publish", "--config", job, "--rules", file, "--yes")


def test_a_list_is_created_changed_shown_and_deleted(job: Path) -> None:
    added = lists(
        job, "add", "risky", "iran", "KP", "--type", "country", "--reason", "sanctions", "--owner", "compliance",
        "--expires", "2027-01-01T00:00:00Z", "--source-alert", "alert-1", "--author", "ana", "--note", "why",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    assert "list risky: 2 added, 0 changed, 0 removed, 2 entries of type country" in added.output
    element = newest(job)
    assert [entry.value for entry in element.entries] == ["IR", "KP"]
    assert (element.version, element.author, element.note) == (1, "ana", "why")
    assert element.entries[0].expires_at == 1_798_761_600_000
    assert lists(job, "add", "risky", "SY").exit_code == 0
    assert lists(job, "remove", "risky", "Iran").exit_code == 0
    assert [entry.value for entry in newest(job).entries] == ["KP", "SY"]
    shown = lists(job, "show").output.splitlines()
    assert shown == [
        "@risky version 3, 2 entries of type country (1 with an expiry), used by no rule",
        "@towns version 5, 2 entries of type city (0 with an expiry), used by no rule: of the pilot",
    ]
    assert (
        "  KP  (owner compliance, sanctions, until 2027-01-01T00:00:00Z, from alert-1)"
        in lists(job, "show", "risky").output
    )
    assert lists(job, "delete", "risky").exit_code == 0
    assert newest(job).deleted
    assert lists(job, "show", "risky").output == "Error: there is no list risky; lists in force: towns\n"
    assert "risky version 5" in lists(job, "add", "risky", "IR", "--type", "country").output


def test_rules_and_lists_are_checked_against_each_other_when_published(job: Path) -> None:
    refused = publish_rules(job, "country in @risky")
    assert refused.exit_code == 2
    assert refused.output.splitlines()[-1] == "Error: rule r0: unknown list '@risky' (give or publish the list first)"
    assert lists(job, "add", "risky", "IR", "--type", "country").exit_code == 0
    assert publish_rules(job, "country in @risky", "city in @towns").exit_code == 0
    assert "used by r0" in lists(job, "show", "risky").output
    version = shipped_pack("bank").version + 1
    for name, rule in (("risky", "r0"), ("towns", "r1")):
        refused = lists(job, "delete", name)
        assert refused.exit_code == 2
        assert refused.output == (
            f"Error: list {name} cannot be deleted: 1 rules of own version {version} in force refer to it ({rule}); "
            "publish rules without it first\n"
        )
    assert publish_rules(job, "amount > 5").exit_code == 0
    assert lists(job, "delete", "risky").exit_code == 0
    assert publish_rules(job, "country in @risky").exit_code == 2


def test_one_file_of_elements_is_checked_in_its_order(job: Path) -> None:
    rules = {"name": "own", "version": 99, "scale": [[0, 0], [50, 600]],
             "rules": [{"id": "r", "points": 5, "when": "city in @towns", "reason": "x"}]}  # fmt: skip
    delete = {"kind": "list", "version": 6, "name": "towns", "type": "city", "deleted": True}
    file = job.parent / "elements.jsonl"
    for first, second, message in (
        ({"kind": "rules", "rule_set": rules}, delete, "list towns cannot be deleted: 1 rules of own version 99"),
        (delete, {"kind": "rules", "rule_set": rules}, "rule r: unknown list '@towns'"),
    ):
        file.write_text(json.dumps(first) + "\n" + json.dumps(second) + "\n")
        refused = fraud("control", "publish", file, "--config", job, "--yes")
        assert refused.exit_code == 2
        assert message in refused.output.splitlines()[-1]
        assert list((job.parent / "control").iterdir()) == []


def payments(path: Path, *given: dict[str, Any]) -> Path:
    base = {"user_id": "U1", "amount": 5.0}
    lines = [{**base, "transaction_id": f"T{number}", **fields} for number, fields in enumerate(given)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_an_import_is_tried_over_the_payments_of_the_last_days(job: Path, tmp_path: Path) -> None:
    newest_ms = 1_767_225_600_000 + 100 * DAY_MS
    log = payments(
        tmp_path / "log.jsonl",
        {"timestamp": newest_ms - 40 * DAY_MS, "country": "IR"},  # too old
        {"timestamp": newest_ms - 20 * DAY_MS, "country": "IR"},
        {"timestamp": newest_ms - 20 * DAY_MS, "country": "IR", "transaction_id": "T1"},  # the same again
        {"timestamp": newest_ms - 10 * DAY_MS, "merchant_country": "KP"},
        {"timestamp": newest_ms - DAY_MS, "country": "SY"},  # expired by then
        {"timestamp": newest_ms, "country": "DE"},
        {"timestamp": newest_ms},
    )
    file = tmp_path / "risky.csv"
    file.write_text(f"value,owner,reason,expires_at\nIran,ana,x,\nKP,ana,y,\nSY,ana,z,{newest_ms - 2 * DAY_MS}\n")
    tried = fraud("lists", "import", file, "--name", "risky", "--type", "country", "--dry-run", "--over", log)
    assert tried.exit_code == 0, tried.output
    told = [line for line in tried.output.splitlines() if line.startswith(("list", "would", "nothing"))]
    assert told == [
        "list risky: 3 added, 0 changed, 0 removed, 3 entries of type country",
        "would have hit 2 of 5 payments (40.00%) in the last 30 days of log.jsonl, by country or merchant_country",
        "nothing was published (--dry-run)",
    ]
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = DecisionStore.open(url)
    store.write(Batch(events=[decode_event(line) for line in log.read_bytes().splitlines()]))
    store.close()
    of_store = fraud("lists", "import", file, "--name", "risky", "--type", "country", "--dry-run", "--over", url)
    assert "would have hit 2 of 5 payments (40.00%) in the last 30 days of the store, by" in of_store.output
    assert lists(job, "import", file, "--name", "risky", "--type", "country", "--dry-run").exit_code == 0
    assert list((job.parent / "control").iterdir()) == []
    assert lists(job, "import", file, "--name", "risky", "--type", "country").exit_code == 0
    file.write_text("value\nKP\nCU\n")
    assert "1 added, 1 changed, 0 removed, 4 entries" in lists(job, "import", file, "--name", "risky").output
    assert (
        "0 added, 0 changed, 2 removed, 2 entries"
        in lists(job, "import", file, "--name", "risky", "--replace", "--dry-run").output
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "risky", "IR"], "there is no list risky: give --type to create it"),
        (["add", "risky", "IR", "--type", "planet"], "--type 'planet': expected one of country, city"),
        (["add", "towns", "IR", "--type", "country"], "list towns is of type city, not country"),
        (["add", "two words", "IR", "--type", "country"], "a name is a letter"),
        (["add", "towns", "Nashik", "--expires", "soon"], "expires_at 'soon'"),
        (["remove", "towns", "Nashik"], "list towns does not have Nashik"),
        (["remove", "risky", "IR"], "there is no list risky; lists in force: towns"),
        (["delete", "risky"], "there is no list risky"),
        (["import", "missing.csv", "--name", "towns"], "missing.csv: cannot be read"),
    ],
)
def test_mistakes_are_one_line_with_exit_code_2(job: Path, arguments: list[str], message: str) -> None:
    refused = lists(job, *arguments)
    assert refused.exit_code == 2
    assert message in refused.output
    assert len(refused.output.splitlines()) == 1
    assert list((job.parent / "control").iterdir()) == []


def test_lists_whose_start_is_on_another_machine_are_not_changed(job: Path) -> None:
    (job.parent / "lists").rename(job.parent / "elsewhere")
    refused = lists(job, "add", "risky", "IR", "--type", "country")
    assert refused.exit_code == 2
    assert "is not on this machine: name a copy by FRAUD__SCORING__LISTS" in refused.output
    refused = publish_rules(job, "city in @towns")
    assert "unknown list '@towns'" in refused.output
    assert "FRAUD__SCORING__LISTS" in refused.output
    assert publish_rules(job, "amount > 5").exit_code == 0
