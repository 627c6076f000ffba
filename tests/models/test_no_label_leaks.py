"""No feature of a transaction depends on labels or payments that became known later; from a file to all features."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

from models.entity_history import aggregate_entities, write_history
from models.replay import replayed_batches
from models.user_shard import UserShard
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.scoring.factory import open_replayer
from udfs.scoring.settings import ScorerConfig, ScorerPaths

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DELAY = ScorerConfig().buckets.label_delay_ms
DAYS = 45
Event = dict[str, Any]
ATTRIBUTES = (Attribute("branch", "text", "event"), Attribute("items", "number", "event"))
FEATURES = feature_set_of(ATTRIBUTES).names
BY_LABELS = tuple(name for name in FEATURES if "fraud_rate" in name or "frauds_reported" in name)
AS_SOON_AS_KNOWN = {"prior_fraud_count", "days_since_fraud_known"} | {
    name for name in FEATURES if "frauds_reported" in name
}


def moment_of(event: Event) -> int:
    return int(event.get("known_at", event["timestamp"]))


def history(seed: int, count: int = 1_500) -> list[Event]:
    """Few users and few shared merchants, devices and categories; many labels, some late, some corrected."""
    draw = Random(seed)
    events: list[Event] = []
    for number in range(count):
        time = START + draw.randrange(DAYS * DAY)
        payment = {
            "transaction_id": f"T{number}", "user_id": f"U{draw.randrange(12)}", "timestamp": time, "amount": 10.0,
            "merchant_id": f"M{draw.randrange(6)}", "device_id": f"D{draw.randrange(8)}",
            "beneficiary_id": f"B{draw.randrange(5)}", "ip_address": f"10.0.0.{draw.randrange(6)}",
            "merchant_category": draw.choice(["grocery", "travel"]), "channel": draw.choice(["online", "pos"]),
            "entry_mode": draw.choice(["chip", "manual"]), "merchant_country": draw.choice(["DE", "US"]),
            "city": draw.choice(["Berlin", "Bonn"]), "card_id": f"41111{draw.randrange(3)}0000000001",
            "attributes": {"branch": draw.choice(["north", "south"]), "items": draw.randrange(9)},
        }  # fmt: skip
        events.append(payment)
        for again in range(draw.choice([0, 1, 1, 2])):
            events.append({
                "type": "label", "event_id": f"L{number}-{again}", "transaction_id": payment["transaction_id"],
                "user_id": payment["user_id"], "timestamp": time, "is_fraud": draw.random() < 0.4,
                "known_at": time + draw.choice([0, HOUR, 3 * DAY, DELAY - 1, DELAY, DELAY + HOUR, 15 * DAY]),
            })  # fmt: skip
    return sorted(events, key=moment_of)


def features_of(folder: Path, events: list[Event]) -> dict[str, tuple[int, dict[str, float]]]:
    """Time and features by transaction, replayed from files as in training."""
    config = ScorerConfig()
    path, histories = folder / "events.jsonl", folder / "entity_history.jsonl"
    path.write_bytes(b"\n".join(json.dumps(event).encode() for event in events))
    write_history(aggregate_entities(path, config.buckets, attributes=ATTRIBUTES), histories)
    replayer = open_replayer(config, ScorerPaths(bundle="", histories=str(histories)), ATTRIBUTES)
    found = {}
    for _, batch in replayed_batches(path, replayer, UserShard()):
        rows = zip(batch.transaction_ids, batch.timestamps_ms.tolist(), replayer.features().tolist(), strict=True)
        for transaction_id, time_ms, features in rows:
            found[transaction_id] = (time_ms, dict(zip(FEATURES, features, strict=True)))
    return found


def changed(one: dict[str, float], other: dict[str, float]) -> set[str]:
    return {
        name for name in one if one[name] != other[name] and not (math.isnan(one[name]) and math.isnan(other[name]))
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_labels_that_are_known_after_t_change_no_feature_until_t(tmp_path: Path, seed: int) -> None:
    draw = Random(seed)
    events = history(seed)
    t = START + 30 * DAY + draw.randrange(10 * DAY)
    other = []
    for event in events:
        if "known_at" in event and event["known_at"] > t:
            if draw.random() < 0.3:
                continue
            event = event | {"is_fraud": not event["is_fraud"], "known_at": event["known_at"] + draw.choice([0, DAY])}
        other.append(event)
    before, after = features_of(tmp_path, events), features_of(tmp_path, sorted(other, key=moment_of))
    assert {id: changed(row, after[id][1]) for id, (time, row) in before.items() if time <= t} == {
        id: set() for id, (time, _) in before.items() if time <= t
    }
    later = [changed(row, after[id][1]) for id, (time, row) in before.items() if time > t]
    assert set(BY_LABELS) <= set().union(*later)  # each of these features does change with labels later


@pytest.mark.parametrize("seed", [3, 4])
def test_labels_within_the_delay_change_no_fraud_rate(tmp_path: Path, seed: int) -> None:
    """Also for labels known by t: rates use only transactions older than the label delay."""
    events = history(seed)
    t = START + 33 * DAY
    shifted = [
        event | {"is_fraud": not event["is_fraud"]} if "known_at" in event and event["timestamp"] > t - DELAY else event
        for event in events
    ]
    before, after = features_of(tmp_path, events), features_of(tmp_path, shifted)
    early = [changed(row, after[id][1]) for id, (time, row) in before.items() if time <= t]
    assert len(early) > 800
    assert set().union(*early) <= AS_SOON_AS_KNOWN


@pytest.mark.parametrize("seed", [5, 6])
def test_payments_after_t_change_no_feature_until_t(tmp_path: Path, seed: int) -> None:
    draw = Random(seed)
    events = history(seed)
    t = START + 30 * DAY + draw.randrange(10 * DAY)
    other = []
    for event in events:
        if moment_of(event) > t and "known_at" not in event:
            if draw.random() < 0.3:
                continue
            event = event | {
                "amount": 990.0, "merchant_category": "gambling", "channel": "atm", "city": "Ulm", "merchant_id": "M0",
                "attributes": {"branch": "west", "items": 100},
            }  # fmt: skip
        other.append(event)
    before, after = features_of(tmp_path, events), features_of(tmp_path, other)
    early = [changed(row, after[id][1]) for id, (time, row) in before.items() if time <= t]
    assert len(early) > 800
    assert set().union(*early) == set()
    later = [changed(row, after[id][1]) for id, (time, row) in before.items() if time > t and id in after]
    assert {"channel_activity_ratio", "amount_vs_category_mean", "merchant_txn_count_7d"} <= set().union(*later)
