"""A rule's life on a job that dies by SIGKILL between the steps: each decision says what was in force, and keeps to it."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.config.checkpoints import newest_checkpoint
from jobs.config.job import JobConfig
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.live_changes import decisions_on, payments
from tests.kafka.outcomes import wait_until_true
from tests.kafka.test_crash import from_newest_checkpoint, processes
from tests.kafka.topics import Topics
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_set import Guardrails, Rule

PAYMENTS = 300
PATIENCE_SECONDS = 240
FIRST = 50
PROBES = 12
RULE = Rule(
    "over_20", 60, "amount > 20", "amount {amount:.2f}", action="soft_challenge", state="draft",
    guardrails=Guardrails(100, hit_rate_max=0.95),
)  # fmt: skip
STEPS = (("shadow", None), ("live", 10), ("live", 100))
EXPECTED = {
    FIRST: "draft",
    FIRST + 1: "shadow",
    FIRST + 2: 10,
    FIRST + 3: 100,
    FIRST + 4: "guarded",
    FIRST + 5: "retired",
}


def test_a_rule_goes_from_draft_to_retired_over_kills(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    bank = shipped_pack("bank")

    def rules_file(made: tuple[Rule, ...]) -> str:
        return yaml.safe_dump(msgspec.to_builtins(msgspec.structs.replace(bank, version=FIRST, rules=made)))

    rules.write_text(rules_file((RULE, *bank.rules)))
    checkpoints = tmp_path / "checkpoints"
    config = configure_kafka(
        source={"until": "never"},
        scoring={"rules": str(rules)},
        control={
            "kind": "kafka", "connection": {"bootstrap_servers": topics.servers}, "topic": f"{topics.prefix}control",
        },
        state={"checkpoint_dir": str(checkpoints), "checkpoint_interval_ms": 300},
        flink={"parallelism": 2},
    )  # fmt: skip
    file = tmp_path / "running-job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))

    def fraud(*arguments: str) -> str:
        result = CliRunner().invoke(main, [*arguments, "--config", str(file)])
        assert result.exit_code == 0, result.output
        return result.output

    parts = payments(parts=6, each=PAYMENTS)
    fraud("topics", "create")

    def decide(part: int) -> None:
        """Decide a part's payments, and wait for a checkpoint that is later than half of them."""
        half = PAYMENTS // 2
        topics.send_events(parts[part][:half])
        wait_until_true(lambda: _decided(topics, parts[part][:half]), PATIENCE_SECONDS, "decisions")
        saved = newest_checkpoint(str(checkpoints))
        wait_until_true(lambda: newest_checkpoint(str(checkpoints)) != saved, PATIENCE_SECONDS, "checkpoint")
        topics.send_events(parts[part][half:])
        wait_until_true(lambda: _decided(topics, parts[part]), PATIENCE_SECONDS, "decisions")

    running: JobConfig = config
    for part in range(len(parts)):
        with processes([running], tmp_path / f"process-{part}") as kill:
            if 1 <= part <= len(STEPS):
                state, rollout = STEPS[part - 1]
                share = () if rollout is None else ("--rollout", str(rollout))
                shown = fraud("rules", "promote", RULE.id, "--to", state, *share, "--yes")
                assert f"rules version {FIRST + part}: bank" in shown
            elif part == len(STEPS) + 1:
                guarded = msgspec.structs.replace(RULE, state="live", guardrails=Guardrails(100, hit_rate_max=0.1))
                published = tmp_path / "published.yaml"
                published.write_text(rules_file((guarded, *bank.rules)))
                fraud("control", "publish", "--rules", str(published), "--yes")
            elif part == len(STEPS) + 2:
                shown = fraud("rules", "promote", RULE.id, "--to", "retired", "--yes")
                assert f"{RULE.id}: shadow -> retired" in shown
            _wait_until_in_force(topics, parts[0][0], FIRST + part)
            decide(part)
            if part == len(STEPS) + 1:
                told = f"guardrail/{RULE.id} version {FIRST + 4}: back to shadow: hit_rate of"
                wait_until_true(lambda: told in fraud("control", "show"), PATIENCE_SECONDS, "the guardrail's element")  # noqa: B023
            kill()
        running = from_newest_checkpoint(config)

    amounts = {json.loads(line)["transaction_id"]: json.loads(line)["amount"] for part in parts for line in part}
    for number, part in enumerate(parts):
        decisions = decisions_on(topics, part)
        assert {one["transaction_id"] for one in decisions} == {json.loads(line)["transaction_id"] for line in part}
        made = [one for one in decisions if one["type"] == "decision"]
        assert {one["rules"]["version"] for one in made} <= {FIRST + number, FIRST + number + 1}
        for one in made:
            _assert_told(one, amounts[one["transaction_id"]] > 20)
        assert sum(one["rules"]["version"] == FIRST + number for one in made) >= PAYMENTS


def _wait_until_in_force(topics: Topics, example: bytes, version: int) -> None:
    """Send payments of other users until all of them are decided by a version: elements and payments are not in order."""
    for number in itertools.count():
        assert number < 30
        probes = [
            json.dumps(
                json.loads(example) | {"user_id": f"probe{user}", "transaction_id": f"v{version}-{number}-{user}"}
            )
            for user in range(PROBES)
        ]
        lines = [probe.encode() for probe in probes]
        topics.send_events(lines)
        wait_until_true(lambda: _decided(topics, lines), PATIENCE_SECONDS, "decisions on probes")  # noqa: B023
        if {one["rules"]["version"] for one in decisions_on(topics, lines)} == {version}:
            return


def _decided(topics: Topics, part: list[bytes]) -> bool:
    wanted = {json.loads(line)["transaction_id"] for line in part}
    return {one["transaction_id"] for one in decisions_on(topics, part)} == wanted


def _assert_told(one: dict[str, Any], is_true: bool) -> None:
    """The decision says by which version of the rules it was made, and the rule counts in it as that version says."""
    expected = EXPECTED[one["rules"]["version"]]
    is_tripped = f"guardrail/{RULE.id}" in one["control_versions"]
    if expected == "guarded":
        expected = "shadow" if is_tripped else 100
    else:
        assert not is_tripped
    digest = hashlib.blake2b(f"{one['user_id']}\0{RULE.id}".encode(), digest_size=8).digest()
    is_live = isinstance(expected, int) and int.from_bytes(digest, "big") % 100 < expected
    assert (RULE.id in one["rules"]["hits"]) == (is_live and is_true)
    if is_live and is_true:
        assert one["action"] in ("soft_challenge", "hard_block")
    assert ("shadow" in one) == (expected in ("shadow", 10))
    if "shadow" in one:
        (told,) = one["shadow"]
        assert (told["set"], told["version"]) == ("bank", one["rules"]["version"])
        assert (RULE.id in told["hits"]) == (not is_live and is_true)
