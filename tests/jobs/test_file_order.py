"""A file's order is the events' order: for all records at parallelism 1, for each user at any parallelism."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from jobs.runtime.running import Counts
from jobs.score_transactions import run
from tests.conftest import Configure
from tests.jobs.event_stream import START_MS
from tests.jobs.outcomes import written_lines

RECORDS = 4_500
PADDING = "x" * 16_000  # a file above 64 MB from few records; unknown fields are ignored
USERS = 40


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "events.jsonl"
    with path.open("w") as file:
        for number in range(RECORDS):
            event = {
                "transaction_id": f"T{number:06d}", "user_id": f"U{number * 7 % USERS}",
                "timestamp": START_MS + number * 60_000, "amount": 10, "note": PADDING,
            }  # fmt: skip
            file.write(json.dumps(event) + "\n")
    assert path.stat().st_size > 64 * 1024 * 1024
    return path


def decided(directory: Path) -> list[str]:
    return [json.loads(line)["transaction_id"] for line in written_lines(directory, "decisions")]


def test_all_records_of_a_large_file_are_scored_in_its_order(
    configure: Configure, tmp_path: Path, large_file: Path
) -> None:
    run(configure(large_file))

    assert decided(tmp_path / "out") == [f"T{number:06d}" for number in range(RECORDS)]


def test_an_empty_file_is_an_empty_stream(configure: Configure, tmp_path: Path) -> None:
    empty = tmp_path / "events.jsonl"
    empty.touch()

    assert run(configure(empty)).counts == Counts()


def test_with_two_scorers_each_user_keeps_the_order_of_the_file(
    configure: Configure, tmp_path: Path, large_file: Path
) -> None:
    run(configure(large_file, flink={"parallelism": 2}))

    ids = decided(tmp_path / "out")
    assert sorted(ids) == [f"T{number:06d}" for number in range(RECORDS)]
    for user in range(USERS):
        numbers = [int(found[1:]) for found in ids if int(found[1:]) * 7 % USERS == user]
        assert all(first < second for first, second in pairwise(numbers))
    files = list((tmp_path / "out" / "decisions").iterdir())
    assert len(files) == 2  # both scorers had users
