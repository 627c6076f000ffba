"""Replays history through the job's core without Flink, for training frames, decisions and parity."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.event_files import Progress, lines_of, no_progress
from models.user_shard import UserShard, lines_of_shard, routing_key
from udfs.core.replayer import Replayed, Replayer
from udfs.records.outputs import Origin, Output
from udfs.scoring.scorer import Scorer
from udfs.state.user_log import MemoryUserLogs

RECORDS_A_BATCH = 512
"""Larger batches save nothing more."""


def replayed_batches(
    path: Path, replayer: Replayer, shard: UserShard, progress: Progress = no_progress
) -> Iterator[tuple[npt.NDArray[np.int64], Replayed]]:
    """Yield (line numbers of the transactions, batch) for the shard's records, as the job would learn them.

    The replayer has the features of a batch until the next one is asked for. Raises EventFileError.
    """
    records = lines_of_shard(path, shard, progress)
    while batch := list(islice(records, RECORDS_A_BATCH)):
        numbers, lines = zip(*batch, strict=True)
        replayed = replayer.replay(lines)
        yield np.array(numbers, np.int64)[replayed.places], replayed


def replay_outputs(
    path: Path, scorer: Scorer, logs: MemoryUserLogs, progress: Progress = no_progress
) -> Iterator[Output]:
    """Yield all outputs of a file in order, as one job instance would emit them. Raises EventFileError."""
    origin = Origin(str(path))
    for line in lines_of(path, progress):
        key = routing_key(line)
        logs.set_current_key(key)
        yield from scorer.process(line, key, None, origin)
