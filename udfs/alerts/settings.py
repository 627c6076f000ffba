"""How alerts are published: plain, frozen, picklable data. Credentials come from AWS's own chain."""

from __future__ import annotations

import msgspec


class SnsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A topic of Amazon SNS; its region is that of the ARN. Times in milliseconds."""

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
    """When alerts leave the buffer. Times in milliseconds.

    A buffer is flushed at `batch_size` alerts or `linger_ms` after its first. After a failure nothing is tried for
    `first_pause_ms`, twice that after the next one, up to `longest_pause_ms`. `busy_ms` is how long one flush may go on,
    since no alert is taken in and no checkpoint passes meanwhile; with alerts left it is followed by `rest_ms`. At
    `waiting_limit` alerts the publisher takes no more until some are gone. At the end of the input it tries for
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
