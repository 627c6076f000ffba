"""The job's store equals that of a directly fed counter: uninterrupted, killed and restored, and with repeated input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from math import log1p
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import yaml

from jobs.config.checkpoints import newest_checkpoint
from jobs.config.entity_job import EntityJobConfig
from jobs.entity_aggregates import start
from tests.jobs.event_stream import event_lines, write_events
from udfs.core._native import EntityHistory
from udfs.entities.buckets import KINDS, BucketRow, BucketSettings, Entity
from udfs.entities.counter import CountingSettings, EntityAggregator
from udfs.records.codec import decode_event
from udfs.records.events import Erasure, Label, Transaction
from udfs.records.profiles import UserProfile
from udfs.stores.port import HISTORY, CompleteThrough
from udfs.stores.sqlite import SqliteStore

DAY = 86_400_000
LAG_HOURS = 24
NO_RATE = b'{"transaction_id":"X","user_id":"U","timestamp":1767225600000,"amount":1,"currency":"CHF","channel":"pos"}'
BAD = [b"", b"\xff\xfe", b"{", b"[" * 200_000, b'{"type":"payment"}', NO_RATE]
JOBS = {f"U{number:05d}": ("nurse", "clerk")[number % 2] for number in range(0, 150, 3)}


def lines_of(count: int, seed: int) -> list[bytes]:
    """The common stream, over weeks in place of hours, with shared parties; labels know neither device nor address."""
    draw = Random(seed)
    lines = []
    first = json.loads(event_lines(1, seed)[0])["timestamp"]
    for line in event_lines(count, seed):
        event = json.loads(line)
        for name in ("timestamp", "known_at"):
            if name in event:
                event[name] = first + (event[name] - first) * 300
        if "type" not in event:
            number = int(event["transaction_id"][1:])
            event["device_id"] = f"D{number % 40}"
            event["ip_address"] = f"10.0.0.{number % 50} (nat)"
            event["beneficiary_id"] = f"B{number % 30}"
            event["city"] = f"Köln {number % 3}"
            event["card_id"] = f"41234{number % 4}-{number}"
            event["entry_mode"] = ["Chip", "keyed", "kiosk"][number % 3]
            event["attributes"] = {"card_type": f"type {number % 2}", "score": number / 7, "vip": number % 5 == 0}
        elif event["type"] == "label" and draw.random() < 0.7:
            del event["merchant_id"]
        lines.append(json.dumps(event).encode())
        if draw.random() < 0.01:
            erasure = {"type": "erasure", "event_id": "E", "user_id": event["user_id"], "timestamp": event["timestamp"]}
            lines.append(json.dumps(erasure).encode())
    return lines


def entities_by_hand(event: Transaction) -> list[Entity]:
    hour = event.timestamp // 3_600_000 % 24
    vip = "vip=1" if event.attributes and event.attributes["vip"] else "vip=0"
    ids = [
        ("merchant", event.merchant_id), ("device", event.device_id), ("ip", event.ip_address),
        ("beneficiary", event.beneficiary_id), ("category", event.merchant_category), ("channel", event.channel),
        ("entry_mode", event.entry_mode), ("merchant_country", event.merchant_country), ("city", event.city),
        ("category_hour", f"{event.merchant_category}|{hour}"),
        ("category_channel", f"{event.merchant_category}|{event.channel}"), ("bin", (event.card_id or "")[:6]),
        ("attribute", f"card_type={(event.attributes or {})['card_type']}"), ("attribute", vip),
        ("attribute", f"job={JOBS[event.user_id]}" if event.user_id in JOBS else None),
    ]  # fmt: skip
    return [Entity(kind, id) for kind, id in ids if id is not None]  # type: ignore[arg-type]


def expected(lines: list[bytes]) -> dict[str, dict[str, Any]]:
    """Fed to the counter by hand: transactions once, labels to all whom their transaction was counted for."""
    aggregator = EntityAggregator(CountingSettings(reader_lag_ms=LAG_HOURS * 3_600_000))
    parties: dict[tuple[str, str], list[Entity]] = {}
    for line in lines:
        event = decode_event(line)
        if isinstance(event, Erasure):
            parties = {key: entities for key, entities in parties.items() if key[0] != event.user_id}
        elif isinstance(event, Transaction):
            key = (event.user_id, event.transaction_id)
            if key in parties:
                continue
            parties[key] = entities_by_hand(event)
            cents = round(event.amount * 80)  # euros at 0.8
            for entity in parties[key]:
                aggregator.add_transaction(
                    entity, event.user_id, event.timestamp, event.timestamp, cents, round(log1p(cents / 100) * 1e6)
                )
        elif isinstance(event, Label):
            key = (event.user_id, event.transaction_id)
            named = [Entity("merchant", event.merchant_id)] if event.merchant_id else []
            for entity in parties.get(key, named):
                aggregator.add_label(entity, f"{key[0]}\0{key[1]}", event.timestamp, event.known_at, event.is_fraud)
    return {HISTORY[row.entity] + row.id: numbers_of(row) for row in aggregator.rows()}


def numbers_of(row: BucketRow) -> dict[str, Any]:
    """All but how far the writer was."""
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name != "complete_through_ms"}


def written(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, CompleteThrough]]:
    store = SqliteStore(path, BucketSettings())
    keys = store.keys()
    records = dict(zip(keys, store.get_many(keys), strict=True)) if len(keys) < 900 else {}
    for start_at in range(0, len(keys), 500):
        records |= dict(
            zip(keys[start_at : start_at + 500], store.get_many(keys[start_at : start_at + 500]), strict=True)
        )
    store.close()
    histories = {key: numbers_of(record.row) for key, record in records.items() if isinstance(record, EntityHistory)}
    complete = {key: record for key, record in records.items() if isinstance(record, CompleteThrough)}
    profiles = [record for record in records.values() if isinstance(record, UserProfile)]
    assert len(histories) + len(complete) + len(profiles) == len(records)
    return histories, complete


def config_of(folder: Path, source: Path, logs: Path, parallelism: int = 1, **state: Any) -> EntityJobConfig:
    path = folder / "store" / "entities.sqlite"
    store = SqliteStore(path, BucketSettings())
    store.put_many(
        {f"user:{user}": UserProfile(user_id=user, attributes={"job": job}) for user, job in JOBS.items()}, None
    )
    store.close()
    rates = folder / "rates.csv"
    rates.write_text("currency,valid_from,rate\nUSD,2025-01-01,0.8\n")
    return EntityJobConfig.model_validate(
        {
            "source": {"kind": "file", "path": str(source)},
            "store": {"kind": "sqlite", "path": str(path)},
            "aggregates": {
                "reader_lag_hours": LAG_HOURS,
                "flush_interval_ms": 50,
                "cached_entities": 60,
                "base_currency": "EUR",
                "fx_rates": str(rates),
                "attributes": [{"name": "card_type"}, {"name": "vip"}, {"name": "job", "holder": "profile"}],
            },
            "flink": {"parallelism": parallelism, "log_directory": str(logs)},
            "state": state,
        }
    )


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_store_holds_what_the_counter_says_and_bad_records_are_counted(
    tmp_path: Path, log_directory: Path, parallelism: int
) -> None:
    lines = lines_of(3_000, seed=11)
    source = write_events(tmp_path / "events.jsonl", lines[:1_000] + BAD + lines[1_000:])
    config = config_of(tmp_path, source, log_directory, parallelism)

    job = start(config)
    job.wait()

    histories, complete = written(Path(config.store.path))
    assert histories == expected(lines)
    assert {key.split(":")[1] for key in histories} == set(KINDS)
    assert sum(key.startswith("history:attribute:job=") for key in histories) == 2
    assert job.accumulators["entity-bad-records"] == len(BAD)
    assert job.accumulators["entity-events"] == len(lines)
    assert set(complete) == {f"complete-through:{number}" for number in range(parallelism + 1)}
    assert {record.writers for record in complete.values()} == {parallelism}
    newest = max(
        decode_event(line).timestamp for line in lines if b"transaction_id" in line and b"known_at" not in line
    )
    assert max(record.complete_through_ms for record in complete.values()) == newest
    assert min(complete[f"complete-through:{n + 1}"].complete_through_ms for n in range(parallelism)) > newest - DAY


def test_reprocessing_the_input_changes_nothing(tmp_path: Path, log_directory: Path) -> None:
    """Twice in one file: the second time all transactions are repeated ones. Then all of it by a job without state."""
    lines = lines_of(1_500, seed=12)
    # The last label wins, also the second time; what is erased counts again.
    once = [line for line in lines if b'"label"' not in line and b'"erasure"' not in line]
    source = write_events(tmp_path / "events.jsonl", once + once)
    config = config_of(tmp_path, source, log_directory)
    start(config).wait()
    histories, _ = written(Path(config.store.path))
    assert histories == expected(once)
    start(config).wait()
    assert written(Path(config.store.path))[0] == histories


def test_restoring_after_sigkill_gives_the_same_store(tmp_path: Path, log_directory: Path) -> None:
    lines = lines_of(12_000, seed=13)
    source = write_events(tmp_path / "events.jsonl", lines)
    checkpoints = tmp_path / "checkpoints"
    config = config_of(
        tmp_path,
        source,
        tmp_path / "logs",
        checkpoint_dir=str(checkpoints),
        checkpoint_interval_ms=200,
        backend="rocksdb",
    )
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, "-m", "jobs.entity_aggregates", "--config", str(file)]
    process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 90
        while newest_checkpoint(str(checkpoints)) is None or not Path(config.store.path).exists():
            assert process.poll() is None, "the job ended before it could be killed"
            assert time.monotonic() < deadline, "there is no checkpoint"
            time.sleep(0.05)
        time.sleep(1.0)
        assert process.poll() is None, "the job ended before it could be killed"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    whole = expected(lines)
    before = written(Path(config.store.path))[0]
    assert before != whole

    start(
        config_of(
            tmp_path, source, log_directory, 2, restore_from=newest_checkpoint(str(checkpoints)), backend="rocksdb"
        )
    ).wait()

    assert written(Path(config.store.path))[0] == whole
