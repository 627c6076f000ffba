"""Everything that can be published at once, and decisions that show it in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.config.job import JobConfig
from tests.jobs.event_stream import event_lines
from tests.jobs.tiny_bundle import renamed_bundle
from tests.kafka.topics import Topics

USERS = 40
BLOCKED = "U00007"
PUBLISHED_RULES = {
    "name": "published",
    "version": 1_000,
    "scale": [[0, 0], [10, 650]],
    "rules": [{"id": "all", "points": 10, "when": "amount >= 0", "reason": "every payment is suspicious today"}],
}


class LiveChanges:
    """A rule set, thresholds, an entry of the block list and a bundle, for a job of a configuration."""

    def __init__(self, config: JobConfig, bundle: Path, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "running-job.yaml"
        self._file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        self.bundle = directory / "another-bundle"
        self.bundle_version = renamed_bundle(bundle, self.bundle)

    def fraud(self, *arguments: str) -> str:
        """A command of `fraud` on the job's configuration."""
        result = CliRunner().invoke(main, [*arguments, "--config", str(self._file)])
        assert result.exit_code == 0, result.output
        return result.output

    def publish(self) -> None:
        """Publish all of it."""
        rules = self._directory / "rules.yaml"
        rules.write_text(yaml.safe_dump(PUBLISHED_RULES))
        block = ("--block", f"user:{BLOCKED}", "--reason", "SANCTION")
        self.fraud(
            "control", "publish", "--rules", str(rules), "--thresholds", "0,1,1000", "--bundle", str(self.bundle),
            "--yes", *block,
        )  # fmt: skip

    def assert_in_force(self, decisions: list[dict[str, Any]]) -> None:
        """Each was made by all that was published, those on the blocked user too, and there are some of both."""
        for decision in decisions:
            assert decision["control_versions"] == {"block-list": 1, "bundle": 1, "rules": 1_000, "thresholds": 1}
            assert decision["model"]["bundle"] == self.bundle_version
            assert (decision["rules"]["version"], decision["rules"]["score"]) == (1_000, 650)
            blocked = decision["user_id"] == BLOCKED
            assert decision["action"] == ("hard_block" if blocked else "soft_challenge")
            assert ("AML" in decision["flags"]) == blocked
        assert 0 < sum(decision["user_id"] == BLOCKED for decision in decisions) < len(decisions)


def payments(parts: int, each: int) -> list[list[bytes]]:
    """So many parts of a stream of payments without a repeated one; each user pays in each."""
    lines = [line for line in event_lines(parts * each * 5 // 4, seed=8, users=USERS) if b'"type"' not in line]
    unique = list({json.loads(line)["transaction_id"]: line for line in lines}.values())[: parts * each]
    assert len(unique) == parts * each
    made = [unique[number * each : (number + 1) * each] for number in range(parts)]
    assert all(len({json.loads(line)["user_id"] for line in part}) == USERS for part in made)
    return made


def decisions_on(topics: Topics, part: list[bytes]) -> list[dict[str, Any]]:
    """The decisions on a part's payments that are there, in the order of their topic."""
    wanted = {json.loads(line)["transaction_id"] for line in part}
    records = (json.loads(value) for value in topics.values(topics.decisions))
    return [record for record in records if record["transaction_id"] in wanted]
