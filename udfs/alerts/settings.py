"""Settings of alert publishing: frozen, picklable data. Credentials come from the AWS default provider chain."""

from __future__ import annotations

import msgspec


class SnsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An Amazon SNS topic; the region is taken from the ARN. Times in milliseconds."""

    topic_arn: str
    endpoint: str | None = None
    profile: str | None = None
    connect_timeout_ms: int = 1_000
    timeout_ms: int = 2_000

    @property
    def region(self) -> str:
        return self.topic_arn.split(":")[3]

    @property
    def is_fifo(self) -> bool:
        return self.topic_arn.endswith(".fifo")


class PublishSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Batching and backoff of the publisher. Times in milliseconds.

    The buffer is flushed at `batch_size` alerts or `linger_ms` after its first one. The pause after a failure starts at
    `first_pause_ms` and doubles with each further failure, up to `longest_pause_ms`. A flush takes at most about
    `busy_ms`, since it blocks input and checkpoints; if alerts are left it is followed by a pause of `rest_ms`. At
    `waiting_limit` buffered alerts the operator blocks (backpressure). At the end of the input it retries for
    `end_patience_ms`.
    """

    batch_size: int = 10
    linger_ms: int = 200
    waiting_limit: int = 10_000
    first_pause_ms: int = 400
    longest_pause_ms: int = 5_000
    busy_ms: int = 500
    rest_ms: int = 50
    end_patience_ms: int = 300_000
