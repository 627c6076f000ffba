"""Comparing what came through Kafka with what a replay or a file says, apart from where records came from."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from jobs.runtime.running import RunningJob
from tests.kafka.topics import Topics


def without_origin(line: bytes) -> bytes:
    """The record without its source position."""
    record = json.loads(line)
    record.pop("origin", None)
    return json.dumps(record).encode()


def in_order_of_each_user(lines: Iterable[bytes]) -> dict[str, list[bytes]]:
    users: dict[str, list[bytes]] = defaultdict(list)
    for line in lines:
        users[json.loads(line)["user_id"]].append(without_origin(line))
    return users


def counted(lines: Iterable[bytes]) -> Counter[bytes]:
    return Counter(map(without_origin, lines))


def wait_until(condition: Callable[[], bool], job: RunningJob, seconds: float, what: str) -> None:
    """Look again and again; fail when the job ends or time is over."""

    def alive_and_true() -> bool:
        assert not job.is_finished(), f"the job ended while waiting for {what}"
        return condition()

    wait_until_true(alive_and_true, seconds, what)


def wait_until_true(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Look again and again; fail when time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.2)


def events_in_the_log(topics: Topics) -> list[bytes]:
    """What the job was given: partition after partition, so each user's events in their order."""
    return topics.values(topics.events)


def all_text_in(directory: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in directory.rglob("*") if path.is_file())
