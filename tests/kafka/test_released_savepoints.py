"""Savepoints of whole jobs of earlier versions are restored, and decisions go on as if the job had never been stopped.

tests/golden/make_savepoint.py has made them and says how; a release adds one.
"""

from __future__ import annotations

import json
import tarfile
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from jobs.score_transactions import start
from tests.golden.make_savepoint import CONTROL, FOLDER, REPEATED, RULES, send
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import PARTITIONS, configuration
from tests.kafka.outcomes import wait_until
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker

BLOCKED = "U00007"
Record = dict[str, Any]


class Version(NamedTuple):
    """What a version of the program saved. `new`: features of what its state did not hold, which may differ therefore."""

    name: str
    backend: str
    remembers_answers: bool
    new: frozenset[str] = frozenset()


VERSIONS = (
    Version(
        "python-engine",
        "rocksdb",
        remembers_answers=False,
        new=frozenset({"user_category_share", "amount_vs_user_category_avg"}),
    ),
    Version("native-core", "hashmap", remembers_answers=False),
    Version("remembered-answers", "rocksdb", remembers_answers=True),
)


def test_each_savepoint_that_is_kept_is_restored() -> None:
    assert {version.name for version in VERSIONS} == {file.name.removesuffix(".tar.xz") for file in FOLDER.iterdir()}


@pytest.mark.parametrize("version", VERSIONS, ids=[version.name for version in VERSIONS])
def test_a_savepoint_of_an_earlier_version_decides_like_an_uninterrupted_run(
    broker: Broker, bundle: Path, log_directory: Path, tmp_path: Path, version: Version
) -> None:
    with tarfile.open(FOLDER / f"{version.name}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    before, after = ((tmp_path / name).read_bytes().splitlines() for name in ("before.jsonl", "after.jsonl"))
    answers = json.loads((tmp_path / "answers.json").read_text())
    topics = Topics(broker.servers, f"{version.name}.")
    broker.create_topics(PARTITIONS, *topics.names())
    broker.create_topics(1, f"{topics.prefix}control")
    topics.send_events(before)  # where the savepoint's positions are
    send(broker.servers, f"{topics.prefix}control", [(b"any", b"not read again")] * len(CONTROL))
    topics.send_events(after)
    make = configuration(broker, topics, bundle, log_directory)

    job = start(
        make(
            source={"until": "never"},
            control={
                "kind": "kafka",
                "connection": {"bootstrap_servers": broker.servers},
                "topic": f"{topics.prefix}control",
            },
            scoring={"log_features": True},
            state={"backend": version.backend, "restore_from": str(tmp_path / "savepoint")},
        )
    )
    transactions = [line for line in after if b'"type"' not in line]
    try:
        wait_until(lambda: topics.size(topics.decisions) >= len(transactions), job, 300, "decisions")
    finally:
        job.cancel()

    found = by_user(topics.values(topics.decisions))
    uninterrupted = make(
        scoring={"log_features": True, "rules": str(published_rules(tmp_path)), "thresholds": THRESHOLDS}
    )
    expected = by_user(replayed(uninterrupted, [*before, *after])["decisions"])
    assert sum(map(len, found.values())) == len(transactions)
    assert topics.read(topics.dead_letters) == []
    equal = compared = repeats = of_rule = 0
    for user, records in found.items():
        for one, other in zip(records, expected[user][-len(records) :], strict=True):
            if one["type"] == "duplicate":
                repeats += 1
                if one["transaction_id"] in answers:  # by the rules, thresholds and bundle of before
                    expect_answer(other, answers[one["transaction_id"]] if version.remembers_answers else None)
                assert one == other
                continue
            assert one.pop("control_versions") == {"block-list": 3, "rules": 1_000, "thresholds": 7}
            del other["control_versions"]
            # Those versions knew no states of rules: what they had published is live, for all customers.
            assert one["rules"]["hits"] == (["all"] if one["amount"] >= 500 else [])
            assert "shadow" not in one
            of_rule += len(one["rules"]["hits"])
            if user == BLOCKED:
                assert one["action"] == "hard_block"
                assert "AML" in one["flags"]
                continue
            compared += 1
            equal += one == other
            changed = {name for name, value in one["features"].items() if value != other["features"][name]}
            assert changed <= version.new
            if not changed:
                assert one == other
    assert repeats >= REPEATED
    assert of_rule >= 5
    assert compared > 0.9 * (len(transactions) - repeats)
    assert equal == compared or version.new


def expect_answer(duplicate: Record, answer: tuple[str, int] | None) -> None:
    """The first answer of a replay's duplicate becomes the one that was given; None: it is not known."""
    del duplicate["first_action"], duplicate["first_risk_score"]
    if answer is not None:
        duplicate["first_action"], duplicate["first_risk_score"] = answer


THRESHOLDS = {name: value for name, value in CONTROL["thresholds"].items() if name != "kind"}


def published_rules(directory: Path) -> Path:
    file = directory / "rules.yaml"
    file.write_text(yaml.safe_dump(RULES))
    return file


def by_user(lines: list[bytes]) -> dict[str, list[Record]]:
    """Decisions and duplicates of each user in their order, without where their records came from."""
    users: dict[str, list[Record]] = defaultdict(list)
    for line in lines:
        record = json.loads(line)
        record.pop("origin", None)
        users[record["user_id"]].append(record)
    return users
