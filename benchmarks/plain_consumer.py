"""The simplest alternative: a kafka-python loop with XGBoost, `python -m benchmarks.plain_consumer SERVERS FROM TO`.

Decodes JSON, computes sixteen features of the user's last day from a deque, evaluates 200 trees and encodes JSON. It has
no persistent state, no handling of late events, no rules and no reasons: less work per transaction than the job.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict, deque
from typing import Any

import msgspec
import numpy as np

WINDOWS_MS = (300_000, 3_600_000, 86_400_000)
FEATURES = 16
TREES = 200


def main(servers: str, source: str, target: str) -> None:
    """Writes a decision on every record of the topic `source` to `target`; runs until killed."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    model = _model()
    consumer = KafkaConsumer(
        bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=10
    )
    consumer.assign([TopicPartition(source, number) for number in consumer.partitions_for_topic(source)])
    producer = KafkaProducer(bootstrap_servers=servers, linger_ms=3, batch_size=128 << 10)
    users: dict[str, deque[tuple[int, float, str]]] = defaultdict(deque)
    decode, encode = msgspec.json.decode, msgspec.json.encode
    row = np.empty((1, FEATURES), dtype=np.float32)
    while True:
        for records in consumer.poll(timeout_ms=100, max_records=500).values():
            for record in records:
                event = decode(record.value)
                row[0] = _features(event, users[event["user_id"]])
                probability = float(model.inplace_predict(row)[0])
                decision = {
                    "transaction_id": event["transaction_id"],
                    "event_time_ms": event["timestamp"],
                    "score": round(1_000 * probability),
                    "action": "hard_block" if probability > 0.9 else "allow",
                }
                producer.send(target, encode(decision), key=record.key)


def _features(event: dict[str, Any], past: deque[tuple[int, float, str]]) -> list[float]:
    now_ms, amount, merchant = event["timestamp"], float(event["amount"]), event.get("merchant_id") or ""
    while past and past[0][0] <= now_ms - WINDOWS_MS[-1]:
        past.popleft()
    found = [amount, math.log1p(amount), float(now_ms // 3_600_000 % 24), float(now_ms - past[-1][0] if past else -1)]
    past.append((now_ms, amount, merchant))
    for window_ms in WINDOWS_MS:
        amounts = [other for at_ms, other, _ in past if at_ms > now_ms - window_ms]
        found += [len(amounts), sum(amounts), max(amounts), amount * len(amounts) / (sum(amounts) or 1.0)]
    return found


def _model() -> Any:
    """A tree ensemble of realistic size trained on random data; its predictions are not used."""
    import xgboost

    random = np.random.default_rng(1)
    rows = random.lognormal(1.0, 1.0, (4_000, FEATURES)).astype(np.float32)
    labels = random.random(len(rows)) < 0.05
    settings = {"objective": "binary:logistic", "max_depth": 6, "nthread": 1}
    return xgboost.train(settings, xgboost.DMatrix(rows, label=labels), num_boost_round=TREES)


if __name__ == "__main__":
    main(*sys.argv[1:])
