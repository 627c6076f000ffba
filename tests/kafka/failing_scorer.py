"""A scorer that fails when it is told to by a record, to see what a failure leads to."""

from __future__ import annotations

from collections import Counter

from tests.jobs.frames import read_records
from udfs.flink.bridge import Row
from udfs.flink.score_transactions import ScoreTransactions

PREFIX = b"fail "
_failures: Counter[bytes] = Counter()  # of this process: it outlives the operator's instances


def order_to_fail(times: int, name: str) -> bytes:
    """A record at which the job fails so often; then it is a dead letter like any text that is no JSON."""
    return PREFIX + b"%d %s" % (times, name.encode())


class FailingScorer(ScoreTransactions):
    """Scores records as the job does, and raises RuntimeError at an order to fail."""

    def take(self, frame: bytes) -> tuple[bytes, tuple[Row, ...]]:
        for record in read_records(frame) if PREFIX in frame else ():
            payload = record.payload
            if payload is not None and payload.startswith(PREFIX):
                times = int(payload.split()[1])
                if _failures[payload] < times:
                    _failures[payload] += 1
                    raise RuntimeError(f"failure {_failures[payload]} of {times} as ordered")
        return super().take(frame)
