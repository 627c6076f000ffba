"""Replays a history on several processes to the parts of a training frame."""

from __future__ import annotations

from pathlib import Path

import msgspec

from models.event_files import Progress, no_progress
from models.frame_parts import PartWriter
from models.processes import on_processes
from models.replay import replayed_batches
from models.user_shard import UserShard
from udfs.features.feature_set import feature_set_of
from udfs.process.collector import garbage_collection_disabled
from udfs.records.attributes import Attribute
from udfs.scoring.factory import open_replayer
from udfs.scoring.settings import ScorerConfig, ScorerPaths


class FrameTask(msgspec.Struct, frozen=True):
    """Task of the workers: replay `events` with the scorer's configuration and write the parts to `folder`."""

    events: Path
    config: ScorerConfig
    paths: ScorerPaths
    folder: Path
    attributes: tuple[Attribute, ...] = ()


def replay_into(task: FrameTask, workers: int = 1, progress: Progress = no_progress) -> None:
    """Write the features, rule points and newest label of every transaction as parts to the task's folder.

    Rules and population statistics are those of the task's paths, the statistics as of each transaction's time. The rows
    do not depend on the number of workers. Memory: user states and labels once over all workers; a row group and the
    entity histories per worker. Raises EventFileError, StoreError, FxFileError, RuleFileError, PopulationError,
    WorkerDied.
    """
    on_processes(_replay_shard, task, workers, progress)


def _replay_shard(task: FrameTask, shard: UserShard, progress: Progress) -> None:
    replayer = open_replayer(task.config, task.paths, task.attributes, with_rules=True)
    part = PartWriter(task.folder, shard.number, feature_set_of(task.attributes).names)
    with garbage_collection_disabled():
        for sequences, batch in replayed_batches(task.events, replayer, shard, progress):
            part.add(sequences, batch, replayer.model_input())
        part.close()
    replayer.close()
