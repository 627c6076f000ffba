"""Runs the streaming job over parts of one file: each run starts at a savepoint and stops with one, or at the end.

The history before the train week only builds up user state. From its savepoint, one run logs features, and one run per
date scores with the bundle trained on them. All runs but the first start from that savepoint: in a restored job, Flink's
reader of raw lines does not count the lines read before the restore, so a savepoint of a restored job resumes at the
wrong line (observed with 2.3.0).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.progress import progress_bar

if TYPE_CHECKING:
    from jobs.config.job import JobConfig

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class StopPoint:
    """Where a run stopped: number of decided transactions and savepoint (None at the beginning and end of the file).

    `decisions` are the files written by the run.
    """

    transactions: int = 0
    savepoint: str | None = None
    decisions: tuple[Path, ...] = ()


@dataclass(frozen=True)
class HandbookJob:
    """The settings shared by all runs of the job."""

    events: Path
    histories: Path
    work: Path
    transactions: int

    def run_part(
        self, start: StopPoint, until: int, name: str, bundle: Path | None = None, outputs: bool = True
    ) -> StopPoint:
        """Runs the job from `start` until at least `until` transactions are decided; blocks until it has stopped.

        The job reports its progress about once a second, so a run stops some thousand transactions later. Raises
        JobFailed, and ValueError where the job reached the end of the file before it could be stopped.
        """
        from jobs.score_transactions import start as start_job

        folder = self.work / name.replace(" ", "-")
        job = start_job(self._config(start, folder, bundle, outputs))
        savepoint = None
        with progress_bar(name) as progress:
            while not job.is_finished():
                done = start.transactions + job.counts().decisions
                progress(min(done, until), until)
                if until < self.transactions and done >= until:
                    savepoint = job.stop_with_savepoint(str((self.work / "savepoints").resolve()))
                    break
                time.sleep(POLL_SECONDS)
            result = job.wait()
            progress(until, until)
        if savepoint is None and until < self.transactions:
            raise ValueError(f"the file ended before the job could be stopped after {until:,} transactions")
        written = tuple(sorted((folder / "decisions").glob("part-*")))
        return StopPoint(start.transactions + result.counts.decisions, savepoint, written)

    def _config(self, start: StopPoint, folder: Path, bundle: Path | None, outputs: bool) -> JobConfig:
        from jobs.config.loading import parse_config

        scoring: dict[str, Any] = {"histories": str(self.histories), "statistics": None}
        scoring["log_features"] = "names" if outputs else "none"
        if bundle is not None:
            scoring["bundle"] = str(bundle)
        tree: dict[str, Any] = {
            "source": {"kind": "file", "path": str(self.events)},
            "sinks": [{"kind": "files", "directory": str(folder)} if outputs else {"kind": "discard"}],
            "scoring": scoring,
            # Only savepoints are taken; state of this size does not fit the JobManager's memory.
            "flink": {"log_directory": str(self.work / "logs"), "extra": _storage(self.work)},
        }
        if start.savepoint is not None:
            tree["state"] = {"restore_from": start.savepoint, "allow_non_restored": True}
        return parse_config(tree, "benchmarks.handbook")


def _storage(work: Path) -> dict[str, str]:
    return {
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.dir": (work / "checkpoints").resolve().as_uri(),
    }
