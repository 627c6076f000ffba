"""Outputs of a job, and the expected outputs from a replay in plain Python."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from jobs.config.aws import KinesisSource
from jobs.config.job import FileSource, JobConfig
from jobs.config.scoring import scorer_config, scorer_paths
from udfs.records.outputs import DESTINATIONS, Origin
from udfs.scoring.factory import open_scorer
from udfs.state.user_log import MemoryUserLogs

Lines = dict[str, list[bytes]]


def written_lines(directory: Path, topic: str) -> list[bytes]:
    """All committed lines of a topic, file after file; files in progress start with a dot."""
    files = sorted(path for path in (directory / topic).glob("*") if not path.name.startswith("."))
    return [line for path in files for line in path.read_bytes().splitlines()]


def by_user(lines: list[bytes]) -> Lines:
    """Each user's records, sorted: files of several checkpoints have no order among them."""
    users: Lines = defaultdict(list)
    for line in lines:
        users[json.loads(line)["user_id"]].append(line)
    return {user: sorted(records) for user, records in users.items()}


def _name(config: JobConfig) -> str:
    """The source's name in the origin of its records."""
    source = config.source
    if isinstance(source, FileSource):
        return source.path
    return source.stream_arn if isinstance(source, KinesisSource) else source.topics[0]


def replayed(config: JobConfig, events: list[bytes]) -> dict[str, list[bytes]]:
    """The outputs by topic of a scorer on memory, fed with the same lines; the key is read by another JSON parser."""
    logs = MemoryUserLogs()
    scorer = open_scorer(scorer_config(config), scorer_paths(config), logs)
    origin = Origin(_name(config))
    topics: dict[str, list[bytes]] = {destination: [] for destination in DESTINATIONS}
    for line in events:
        logs.set_current_key(json.loads(line)["user_id"])
        for output in scorer.process(line, logs.key, None, origin):
            topics[output.destination].append(output.value)
    return topics
