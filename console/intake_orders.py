"""What the process that writes the store is told to read, and the lines by which it tells what it has done."""

from __future__ import annotations

import msgspec

WRITTEN = "written"
"""Followed by a number of records that are in the store."""
LAG = "lag"
"""Followed by the number of those that are not yet."""
FAILED = "failed"
"""Records could not be written; they stay where they are, and are tried again."""


class ReadLog(msgspec.Struct, frozen=True, tag="log"):
    """Read the log of an embedded scorer into the store. At the end what is in the log is taken."""

    store_url: str
    log_path: str


class ReadTopics(msgspec.Struct, frozen=True, tag="topics"):
    """Read a job's topics into the store. `job`: the pickled JobConfig: another check of it would refuse what the job has
    made since. `skip_missing`: go on with the earliest records where the next ones are not in Kafka any more. At the end
    what is not in the store stays in Kafka."""

    store_url: str
    job: bytes
    skip_missing: bool = False


Order = ReadLog | ReadTopics
