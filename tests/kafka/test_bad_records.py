"""Whatever bytes a record holds, the job goes on; they leave unchanged, with headers that say where they came from."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path

import pytest

from jobs.score_transactions import run
from tests.jobs.outcomes import written_lines
from tests.jobs.test_bad_records import POISON, transaction
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.topics import Topics

HOUR_MS = 3_600_000
LIMIT = 1 << 20


@pytest.mark.parametrize("parallelism", [1, 2])
def test_bad_records_become_dead_letters_of_their_own_bytes_and_good_ones_around_them_are_scored(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path, parallelism: int
) -> None:
    now_ms = time.time_ns() // 1_000_000
    poison: dict[str, tuple[bytes | None, str]] = {
        **POISON,
        "timestamp in the future": (transaction(timestamp=now_ms + HOUR_MS), "in the future"),
        "tombstone": (None, "empty record"),
        "record of 900 KB": (b"x" * 900_000, "not JSON"),
        "lone surrogate": (transaction(user_id="U\ud800"), "not"),
        "lone surrogate as transaction": (transaction(transaction_id="T\ud800"), "not"),
        "larger than may be sent": (b'{"user_id":"' + b"y" * (LIMIT + 1), "not JSON"),
    }
    for number, (raw, _) in enumerate(poison.values()):
        good = transaction(transaction_id=f"G{number}", user_id=f"U{number}")
        topics.send([(b"key", good), (b"key", raw)], partition=number % PARTITIONS)
    large = transaction(transaction_id="LARGE", user_id=7, note="z" * 900_000)
    topics.send([(None, large)])

    result = run(
        configure_kafka(
            sink={"max_request_bytes": LIMIT},
            more_sinks=[{"kind": "files", "directory": str(tmp_path / "out")}],
            dead_letters={"max_ratio": 1},
            flink={"parallelism": parallelism},
        )
    )

    sent = {(record.partition, record.offset): record.value for record in topics.read(topics.events)}
    in_files = {
        letter["payload_sha256"]: letter for letter in map(json.loads, written_lines(tmp_path / "out", "dead-letters"))
    }
    reasons: dict[bytes | None, list[str]] = {}
    for letter in topics.read(topics.dead_letters):
        headers = {name: value.decode() for name, value in letter.headers}
        raw = sent[int(headers["partition"]), int(headers["offset"])]
        assert headers["topic"] == topics.events
        assert headers["payload_sha256"] == hashlib.sha256(raw or b"").hexdigest()
        assert letter.value == (raw or b"")[: len(letter.value)]
        if raw is not None and len(raw) > LIMIT:
            assert headers["cut_from_bytes"] == str(len(raw))
            assert len(letter.value) > LIMIT - 20_000
        else:
            assert letter.value == (raw or b"")
        reasons.setdefault(raw, []).append(headers["reason"])
        in_file = in_files[headers["payload_sha256"]]
        assert base64.b64decode(in_file["payload_base64"]) == letter.value
        assert in_file["reason"] in reasons[raw] or raw in (None, b"")
        assert in_file["origin"]["source"] == topics.events
    assert sum(map(len, reasons.values())) == len(poison) == result.counts.dead_letters
    for name, (raw, reason) in poison.items():
        assert any(reason in found for found in reasons[raw]), name
    decided = [json.loads(line)["transaction_id"] for line in topics.values(topics.decisions)]
    assert sorted(decided) == sorted([*(f"G{number}" for number in range(len(poison))), "LARGE"])
