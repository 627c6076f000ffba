"""Runs of the streaming job over parts of one file: each goes on from a savepoint and stops with one, or at the end.

The history before the train week only builds up users' state. From its savepoint one run logs features, and one a date
scores with the bundle that was trained on them. Every run but the first starts from that one savepoint: Flink's reader of
raw lines forgets, in a job that was itself restored, how many lines the job before it had read, so that a savepoint of
such a job goes on at the wrong line (seen with 2.3.0).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.progress import progress_bar

if TYPE_CHECKING:
    from jobs.config import JobConfig

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Place:
    """Where a leg stopped: how many transactions are decided, and the savepoint (None: the beginning, or the end).

    `decisions` are the files that the leg has written.
    """

    transactions: int = 0
    savepoint: str | None = None
    decisions: tuple[Path, ...] = ()


@dataclass(frozen=True)
class HandbookPass:
    """What all legs share."""

    events: Path
    histories: Path
    work: Path
    transactions: int

    def leg(self, start: Place, until: int, name: str, bundle: Path | None = None, outputs: bool = True) -> Place:
        """Run on from a place until at least `until` transactions are decided.

        The job tells how far it is about once a second, so a leg stops some thousand transactions later. Raises
        JobFailed, and ValueError where the job was through with the file before it could be stopped.
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
        return Place(start.transactions + result.counts.decisions, savepoint, written)

    def _config(self, start: Place, folder: Path, bundle: Path | None, outputs: bool) -> JobConfig:
        from jobs.config_file import parse_config

        scoring: dict[str, Any] = {"histories": str(self.histories), "log_features": outputs, "statistics": None}
        if bundle is not None:
            scoring["bundle"] = str(bundle)
        tree: dict[str, Any] = {
            "source": {"kind": "file", "path": str(self.events)},
            "sinks": [{"kind": "files", "directory": str(folder)} if outputs else {"kind": "discard"}],
            "scoring": scoring,
            # Savepoints only; state of this size has to go to files.
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
