"""What a local job leaves to others: who can read its files, and what one odd event or a flood of log lines can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.config.errors import ConfigError
from jobs.config.in_use import HIDDEN, keys_in_use
from jobs.config.loading import parse_config
from jobs.score_transactions import run
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import written_lines

FAR = 253_370_764_800_000  # 9999-01-01


def test_one_event_of_a_far_year_is_a_dead_letter_and_makes_no_later_one_late(
    configure: Configure, tmp_path: Path
) -> None:
    payment = {"user_id": "U1", "amount": 5.0, "currency": "USD"}
    times = [1_767_225_600_000, FAR, 1_767_225_660_000]
    lines = [
        json.dumps(payment | {"transaction_id": f"T{n}", "timestamp": time_ms}).encode()
        for n, time_ms in enumerate(times)
    ]
    run(configure(write_events(tmp_path / "events.jsonl", lines)))
    decisions = [json.loads(line) for line in written_lines(tmp_path / "out", "decisions")]
    assert [(one["transaction_id"], one["late"]) for one in decisions] == [("T0", False), ("T2", False)]
    (letter,) = written_lines(tmp_path / "out", "dead-letters")
    assert "timestamp" in json.loads(letter)["reason"]


def test_only_the_owner_reads_outputs_and_checkpoints(configure: Configure, tmp_path: Path) -> None:
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(3_000)),
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 100},
    )
    run(config)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in written} == {0o700}


@pytest.mark.parametrize("name", ["ssl.keystore.key", "ssl.keystore.password", "sasl.jaas.config", "my.private.key"])
def test_a_private_key_does_not_stand_in_a_file(name: str) -> None:
    tree = {
        "source": {
            "kind": "kafka",
            "connection": {"bootstrap_servers": "127.0.0.1:9092"},
            "properties": {name: "-----BEGIN PRIVATE KEY-----"},
        },
        "sinks": [{"kind": "print"}],
    }
    with pytest.raises(ConfigError, match=f"properties: {name} holds a secret") as refused:
        parse_config(tree)
    assert "BEGIN" not in str(refused.value)


def test_a_private_key_among_flinks_options_is_not_shown(configure: Configure, tmp_path: Path) -> None:
    extra = {"security.ssl.keystore.key": "planted", "my.private-key": "planted"}
    config = configure(write_events(tmp_path / "events.jsonl", []), flink={"extra": extra})
    shown = {key.key: key.value for key in keys_in_use(config) if key.key.startswith("flink.extra.")}
    assert set(shown.values()) == {HIDDEN}
    assert len(shown) == len(extra)
