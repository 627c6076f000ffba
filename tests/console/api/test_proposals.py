"""Rules go from an analyst by another one to a job's control stream, and everything that was done is in the audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.api.key_changes import add_key
from console.control_desk import ControlDesk
from console.store.control import ControlStore, log_faults, stream_faults
from console.store.rows import Role
from jobs.config.job import JobConfig
from jobs.control.channel import recorded
from jobs.control.file_channel import FileChannel
from tests.conftest import Configure
from tests.console.api.serving import START_MS, Serving, serving
from tests.jobs.event_stream import event_lines, write_events
from udfs.control.chain import chain_of
from udfs.control.elements import ThresholdsControl
from udfs.control.signing import public_key_of
from udfs.rules.pack_files import shipped_pack

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
THRESHOLDS = {"kind": "thresholds", "refer_to_analyst": 100, "soft_challenge": 200, "hard_block": 300}


@pytest.fixture
def job(configure: Configure, tmp_path: Path) -> JobConfig:
    (tmp_path / "control").mkdir()
    return configure(
        write_events(tmp_path / "events.jsonl", event_lines(5)),
        control={
            "kind": "file", "path": str(tmp_path / "control"), "poll_interval_ms": 50, "approvals": "required",
            "trusted_keys": [f"console {public_key_of(KEY)} for-others"],
        },
    )  # fmt: skip


class Office:
    """A console beside a job, and analysts with keys."""

    def __init__(self, running: Serving, job: JobConfig) -> None:
        self.running, self.now_ms = running, START_MS
        self.store = running.services.store
        self.desk = ControlDesk(self.store, job, KEY, lambda: self.now_ms)
        self.channel = FileChannel(Path(job.control.path))  # type: ignore[union-attr]
        app_services = running.services
        object.__setattr__(app_services, "control", self.desk)
        self.keys = {name: add_key(self.store, name, role, START_MS, "a test") for name, role in ROLES.items()}

    def post(self, who: str, path: str, **body: Any) -> httpx.Response:
        headers = {"X-API-Key": self.keys[who]}
        return self.running.client.post(f"/v1/rules/proposals{path}", json=body, headers=headers)

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.running.client.get(path, params=parameters, headers={"X-API-Key": self.keys["bob"]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def proposed(self, who: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.post(who, "", element=element, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def refusal(self, answer: httpx.Response, status: int = 409) -> str:
        assert answer.status_code == status, answer.text
        return str(answer.json()["detail"])

    def audited(self) -> list[tuple[str, str, str]]:
        entries = self.store.audit_log(None, 100).items
        return [(one.who, one.what, one.subject) for one in reversed(entries) if one.what.startswith("control")]


ROLES: dict[str, Role] = {"alice": "analyst", "bob": "analyst", "carol": "admin", "dora": "viewer", "till": "scorer"}


@pytest.fixture
def office(job: JobConfig, tmp_path: Path) -> Iterator[Office]:
    with serving(tmp_path, with_scorer=False, require_keys=True) as running:
        yield Office(running, job)


def test_a_proposal_needs_another_persons_approval_of_this_content(office: Office) -> None:
    made = office.proposed("alice", THRESHOLDS, backtest="b-1")
    assert (made["state"], made["key"], made["version"], made["author"]) == ("proposed", "thresholds", 1, "alice")
    path, seen = f"/{made['proposal_id']}", {"element_sha256": made["element_sha256"], "backtest": "b-1"}
    publication = {"element_sha256": made["element_sha256"]}
    assert "has no approval" in office.refusal(office.post("alice", f"{path}/publish", **publication))
    assert office.refusal(office.post("alice", f"{path}/approval", **seen)).startswith(
        "author and approver are the same"
    )
    assert "another content" in office.refusal(
        office.post("bob", f"{path}/approval", **seen | {"element_sha256": "0" * 64})
    )
    assert "rests on backtest b-1" in office.refusal(
        office.post("bob", f"{path}/approval", **seen | {"backtest": "b-2"})
    )
    assert office.post("dora", f"{path}/approval", **seen).status_code == 403
    assert office.post("till", "", element=THRESHOLDS).status_code == 403
    assert office.channel.read() == []

    approved = office.post("bob", f"{path}/approval", **seen)
    assert (approved.status_code, approved.json()["state"], approved.json()["approver"]) == (200, "approved", "bob")
    assert office.refusal(office.post("carol", f"{path}/approval", **seen)) == "bob approved it already"
    assert "another content" in office.refusal(office.post("alice", f"{path}/publish", element_sha256="1" * 64))
    published = office.post("alice", f"{path}/publish", **publication)
    assert (published.status_code, published.json()["state"]) == (200, "published")
    assert office.refusal(office.post("alice", f"{path}/publish", **publication)) == "it was published already"
    (record,) = office.channel.read()
    assert record.element == ThresholdsControl(
        version=1, refer_to_analyst=100, soft_challenge=200, hard_block=300, author="alice"
    )
    (entry,) = office.get("/v1/control/history")
    assert {name: entry[name] for name in ("outcome", "author", "approver", "backtest", "signed")} == {
        "outcome": "accepted", "author": "alice", "approver": "bob", "backtest": "b-1", "signed": True,
    }  # fmt: skip
    subject = "thresholds version 1"
    assert office.audited() == [
        ("alice", "control element proposed", subject),
        ("alice", "control element publication refused", subject),
        ("alice", "control element approval refused", subject),
        ("bob", "control element approval refused", subject),
        ("bob", "control element approval refused", subject),
        ("bob", "control element approved", subject),
        ("carol", "control element approval refused", subject),
        ("alice", "control element publication refused", subject),
        ("alice", "control element published", subject),
        ("alice", "control element publication refused", subject),
    ]


def test_the_audit_log_tells_what_a_publication_replaced(office: Office) -> None:
    published = []
    for hard_block in (300, 400):
        made = office.proposed("alice", THRESHOLDS | {"hard_block": hard_block})
        seen = {"element_sha256": made["element_sha256"]}
        assert office.post("bob", f"/{made['proposal_id']}/approval", **seen).status_code == 200
        office.now_ms += 1
        assert office.post("alice", f"/{made['proposal_id']}/publish", **seen).status_code == 200
        published.append(made["element_sha256"])
    second, first = (one for one in office.store.audit_log(None, 100).items if one.what == "control element published")
    assert first.before == {"version": 0, "from": "the job's start"}
    assert second.before == {"version": 1, "element_sha256": published[0], "author": "alice"}
    assert second.after is not None
    assert second.after["element_sha256"] == published[1]


def test_what_a_job_would_refuse_is_not_kept(office: Office) -> None:
    post = office.post
    assert "ascend" in office.refusal(post("alice", "", element=THRESHOLDS | {"hard_block": 1}), 422)
    rule = {"id": "any", "points": 1, "when": "amonut > 1", "reason": "x"}
    rules = {"name": "r", "scale": [[0, 0], [1, 1000]], "rules": [rule]}
    assert "unknown name 'amonut'" in office.refusal(
        post("alice", "", element={"kind": "rules", "rule_set": rules}), 422
    )
    assert (
        "would be ignored"
        in office.refusal(
            post("alice", "", element={"kind": "rules", "rule_set": rules | {"version": 1, "rules": [rule]}}), 422
        )
        or shipped_pack("bank").version == 0
    )
    for body in ({"element": {"kind": "nothing"}}, {"element": 1}, {}, {"element": THRESHOLDS, "more": 1}):
        assert post("alice", "", **body).status_code == 422
    assert post("alice", "/99/publish", element_sha256="0" * 64).status_code == 404
    assert office.get("/v1/rules/proposals") == []
    right = rules | {"rules": [rule | {"when": "amount > 1"}]}
    made = office.proposed("alice", {"kind": "rules", "rule_set": right})
    assert made["version"] == shipped_pack("bank").version + 1
    assert [one["proposal_id"] for one in office.get("/v1/rules/proposals")] == [made["proposal_id"]]


def test_a_row_that_was_tampered_with_is_not_published(office: Office) -> None:
    from sqlalchemy import text

    made = office.proposed("alice", THRESHOLDS)
    seen = {"element_sha256": made["element_sha256"]}
    assert office.post("bob", "/1/approval", **seen).status_code == 200
    with office.store.database.write() as connection:
        connection.execute(text("UPDATE control_proposals SET body = replace(body, 'block\": 300', 'block\": 999')"))
    assert "was changed after its author wrote it" in office.refusal(office.post("alice", "/1/publish", **seen))
    assert office.channel.read() == []


def test_an_emergency_is_published_alone_and_approved_within_a_day(office: Office) -> None:
    day_ms = 86_400_000
    for number in (1, 2):
        made = office.proposed("alice", THRESHOLDS | {"hard_block": 300 + number}, emergency=True)
        seen = {"element_sha256": made["element_sha256"]}
        assert office.post("alice", f"/{number}/publish", **seen).status_code == 200
    (entry,) = office.get("/v1/control/history", at_ms=START_MS + day_ms - 1)
    assert (entry["version"], entry["until_ms"]) == (2, START_MS + day_ms)
    assert office.get("/v1/control/history", at_ms=START_MS + day_ms) == []
    office.now_ms += day_ms
    assert "ran out before it was approved" in office.refusal(office.post("bob", "/2/approval", **seen))
    office.now_ms -= 1
    assert office.post("bob", "/2/approval", **seen).status_code == 200
    (entry,) = office.get("/v1/control/history", at_ms=START_MS + 9 * day_ms)
    assert (entry["version"], entry["approver"]) == (2, "bob")


def test_a_console_killed_after_publishing_does_not_publish_twice(office: Office) -> None:
    from sqlalchemy import text

    made = office.proposed("alice", THRESHOLDS)
    seen = {"element_sha256": made["element_sha256"]}
    office.post("bob", "/1/approval", **seen)
    office.post("alice", "/1/publish", **seen)
    with office.store.database.write() as connection:
        connection.execute(text("UPDATE control_proposals SET location = NULL, published_ms = NULL"))
    assert office.post("carol", "/1/publish", **seen).json()["state"] == "published"
    assert len(office.channel.read()) == 1


def test_the_stores_log_tells_what_was_done_to_it_or_to_the_stream(office: Office) -> None:
    from sqlalchemy import text

    folder = Path(office.channel._path)
    for number in range(1, 5):
        made = office.proposed("alice", THRESHOLDS | {"hard_block": 300 + number})
        seen = {"element_sha256": made["element_sha256"]}
        office.post("bob", f"/{number}/approval", **seen)
        office.post("alice", f"/{number}/publish", **seen)
        (folder / f"by-hand-{number}.json").write_text(json.dumps({**THRESHOLDS, "version": 90 + number}) + "\n")
    office.get("/v1/control/history")
    log = ControlStore(office.store.database)
    rows = log.log()
    assert sorted(row.outcome for row in rows) == ["accepted"] * 4 + ["rejected"] * 4
    assert log_faults(rows) == []
    records = recorded(office.channel.read())
    assert (stream_faults(rows, records), chain_of(records).faults) == ([], [])
    office.get("/v1/control/history")
    assert log.log() == rows  # nothing is taken twice

    changed = [*rows[:3], msgspec.structs.replace(rows[3], outcome="accepted", at_ms=1), *rows[4:]]
    assert [fault.position for fault in log_faults(changed)] == [4]
    assert [fault.position for fault in log_faults([*rows[:2], *rows[3:]])] == [3]
    swapped = [rows[0], rows[2], rows[1], *rows[3:]]
    assert log_faults(swapped)[0].position == 2
    dropped = next(folder.glob("publication-000000002*"))
    dropped.unlink()
    (fault,) = stream_faults(rows, recorded(office.channel.read()))
    assert fault.told == "the control stream does not have it any more"
    with office.store.database.write() as connection:
        connection.execute(text("UPDATE control_log SET reason = 'x' WHERE number = 3"))
    assert [fault.position for fault in log_faults(log.log())] == [3]
