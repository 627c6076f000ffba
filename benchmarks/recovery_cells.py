"""Cells of the recovery matrix: which fault at which moment, with which state backend and delivery guarantee.

Not the full product. The process's own death is tried with everything. Other faults are tried with opposite pairs, heap
with at-least-once and RocksDB with exactly-once, so that each backend and each guarantee meets the fault; those that can
meet an open or prepared transaction also during checkpoint and commit with exactly-once. Faults of stores and SNS meet
neither the backend nor Kafka's transactions: they have one pair.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Moment = Literal["steady", "checkpoint", "commit", "rescale"]
"""steady: at a given time; checkpoint: as soon as one is triggered; commit: as soon as one is complete, while its
transactions are committed; rescale: while the job is stopped or restored for another parallelism."""
MOMENTS: tuple[Moment, ...] = ("steady", "checkpoint", "commit", "rescale")
HEAP, ROCKSDB = "hashmap", "rocksdb"
AT_LEAST_ONCE, EXACTLY_ONCE = "at-least-once", "exactly-once"


class Cell(NamedTuple):
    fault: str
    moment: Moment
    backend: str
    guarantee: str

    def describe(self) -> str:
        return f"{self.fault}, {self.moment}, {self.backend}, {self.guarantee}"


HEAP_ONCE, HEAP_REPEATS = (HEAP, EXACTLY_ONCE), (HEAP, AT_LEAST_ONCE)
ROCKSDB_ONCE, ROCKSDB_REPEATS = (ROCKSDB, EXACTLY_ONCE), (ROCKSDB, AT_LEAST_ONCE)
ALL_PAIRS = (HEAP_REPEATS, HEAP_ONCE, ROCKSDB_REPEATS, ROCKSDB_ONCE)
OPPOSITE = (HEAP_REPEATS, ROCKSDB_ONCE)

_CHOSEN: dict[tuple[str, Moment], tuple[tuple[str, str], ...]] = {
    ("none", "steady"): OPPOSITE,
    ("process killed", "steady"): ALL_PAIRS,
    ("process killed", "checkpoint"): ALL_PAIRS,
    ("process killed", "commit"): ALL_PAIRS,
    ("process killed", "rescale"): OPPOSITE,
    ("process paused", "steady"): OPPOSITE,
    ("process out of memory", "steady"): OPPOSITE,
    ("clock ahead", "steady"): OPPOSITE,
    ("clock back", "steady"): OPPOSITE,
    ("TaskManager killed", "steady"): OPPOSITE,
    ("TaskManager killed", "checkpoint"): (ROCKSDB_ONCE,),
    ("TaskManager killed", "commit"): (ROCKSDB_ONCE, HEAP_ONCE),
    ("TaskManager killed", "rescale"): (ROCKSDB_ONCE,),
    ("TaskManager paused", "steady"): (ROCKSDB_ONCE,),
    ("JobManager killed", "steady"): OPPOSITE,
    ("JobManager killed", "commit"): (ROCKSDB_ONCE,),
    ("JobManager paused", "steady"): (ROCKSDB_ONCE,),
    ("broker killed", "steady"): OPPOSITE,
    ("broker killed", "checkpoint"): (ROCKSDB_ONCE,),
    ("broker killed", "commit"): (ROCKSDB_ONCE, HEAP_ONCE),
    ("broker paused", "steady"): OPPOSITE,
    ("broker paused", "commit"): (ROCKSDB_ONCE,),
    ("network to the broker", "steady"): OPPOSITE,
    ("network to the broker", "commit"): (ROCKSDB_ONCE,),
    ("topic of alerts deleted", "steady"): OPPOSITE,
    ("Redis killed", "steady"): OPPOSITE,
    ("Redis paused", "steady"): (ROCKSDB_ONCE,),
    ("network to Redis", "steady"): (HEAP_REPEATS,),
    ("DynamoDB refuses", "steady"): (HEAP_REPEATS,),
    ("DynamoDB paused", "steady"): (ROCKSDB_ONCE,),
    ("network to DynamoDB", "steady"): (HEAP_REPEATS,),
    ("SNS refuses", "steady"): (HEAP_REPEATS,),
    ("SNS paused", "steady"): (ROCKSDB_ONCE,),
    ("network to SNS", "steady"): (HEAP_REPEATS,),
    ("disk of checkpoints full", "steady"): OPPOSITE,
}


def all_cells() -> list[Cell]:
    return [Cell(fault, moment, *pair) for (fault, moment), pairs in _CHOSEN.items() for pair in pairs]
