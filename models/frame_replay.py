"""Replays history on several processes into parts of a training frame."""

from __future__ import annotations

from pathlib import Path

import msgspec

from models.event_files import Progress, no_progress
from models.frame_parts import PartWriter
from models.processes import on_processes
from models.replay import observations_of
from models.user_shard import UserShard
from udfs.attributes import Attribute
from udfs.collector import no_collector
from udfs.huge_pages import use_huge_pages
from udfs.open_scorer import open_engine, rule_set_of
from udfs.rules.population import load_population
from udfs.rules.rulebook import Rulebook
from udfs.scorer_config import ScorerConfig, ScorerPaths
from udfs.user_log import MemoryUserLogs

NEVER = 1 << 62


class FrameTask(msgspec.Struct, frozen=True):
    events: Path
    config: ScorerConfig
    paths: ScorerPaths
    folder: Path
    attributes: tuple[Attribute, ...] = ()


def replay_into(task: FrameTask, workers: int = 1, progress: Progress = no_progress) -> None:
    """Write every transaction's features, rule points and newest label as parts into the task's folder.

    The rules are those of the task's paths, their population statistics those of the paths at the transaction's time.

    However many workers, the parts together hold the same rows. Memory: a row group, the users' states and the labels,
    over all workers; the histories once a worker. Raises EventFileError, StoreError, FxFileError, RuleFileError,
    PopulationError, WorkerDied.
    """
    on_processes(_replay_shard, task, workers, progress)


def _replay_shard(task: FrameTask, shard: UserShard, progress: Progress) -> None:
    use_huge_pages()
    logs = MemoryUserLogs()
    # Snapshots shorten a restart's work; here nothing restarts, and compaction alone bounds the logs.
    state = msgspec.structs.replace(task.config.state, snapshot_every=NEVER, snapshot_after_ms=NEVER)
    config, paths = msgspec.structs.replace(task.config, state=state), task.paths
    engine = open_engine(config, paths, logs, attributes=task.attributes)
    names = engine.features.names
    rulebook = Rulebook.of(rule_set_of(paths.rules), frozenset(names))
    population = load_population(Path(paths.statistics) if paths.statistics else None)
    part = PartWriter(task.folder, shard.number, names)
    with no_collector():
        for sequence, transaction, observation in observations_of(
            task.events, engine, logs, shard, task.config.latest_timestamp_ms, progress, part.add_label
        ):
            features = observation.features
            result = rulebook.evaluate(features, transaction, population.inputs(transaction))
            part.add(sequence, transaction, observation.context.amount, features, result.points)
        part.close()
