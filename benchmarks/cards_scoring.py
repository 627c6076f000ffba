"""Scores the later file with the streaming job and reads one decision per transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cards_stream import Stream
from cli.progress import progress_bar
from ingest.identifier_encoding import encode_identifier


class UndecidedTransactions(RuntimeError):
    """The job did not write exactly one decision per transaction."""


class _Model(msgspec.Struct, gc=False):
    probability: float


class _Decision(msgspec.Struct, tag_field="type", tag="decision", gc=False):
    transaction_id: str
    user_id: str
    event_time_ms: int
    risk_score: int
    model: _Model
    probability: float | None = None


class _Duplicate(msgspec.Struct, tag_field="type", tag="duplicate", gc=False):
    transaction_id: str


@dataclass(frozen=True)
class Scored:
    """The job's decisions on the measured transactions, arrays [n] in the table's order, and its run time.

    `probabilities` are the decisions', `model_probabilities` those of the model without rules. `records` and `decisions`
    are the job's totals.
    """

    probabilities: npt.NDArray[np.float64]
    model_probabilities: npt.NDArray[np.float64]
    risk_scores: npt.NDArray[np.int64]
    times_ms: npt.NDArray[np.int64]
    records: int
    decisions: int
    seconds: float


def score(stream: Stream, histories: Path, bundle: Path, work: Path) -> Scored:
    """Runs the job in a MiniCluster over the whole stream and reads its decisions on the measured transactions.

    Raises ConfigError, JobFailed, JobCancelled, and UndecidedTransactions.
    """
    from jobs.config.loading import parse_config
    from jobs.score_transactions import run

    out = work / "decisions"
    config = parse_config(
        {
            "source": {"kind": "file", "path": str(stream.events)},
            "sinks": [{"kind": "files", "directory": str(out)}],
            "scoring": {
                "bundle": str(bundle),
                "reference": str(stream.reference),
                "histories": str(histories),
                "log_features": "none",
                "statistics": None,
            },
            "flink": {"log_directory": str(work / "logs")},
        },
        "benchmarks.cards",
    )
    transactions = len(stream.table)
    with progress_bar("scoring in the job") as progress:
        result = run(config, lambda counts: progress(min(counts.decisions, transactions), transactions))
    if result.counts.dead_letters:
        raise UndecidedTransactions(f"the job could not read {result.counts.dead_letters:,} records: see {out}")
    files = sorted((out / "decisions").glob("part-*"))
    with progress_bar("reading decisions") as progress:
        found = read_decisions(files, measured_rows(stream), progress)
    return Scored(*found, result.counts.records, result.counts.decisions, result.seconds)


def measured_rows(stream: Stream) -> dict[str, int]:
    """(User id, transaction id) as in decisions -> index among the measured transactions."""
    columns = (
        stream.table.transactions[name].slice(stream.first_measured).to_pylist() for name in ("cc_num", "trans_num")
    )
    rows = zip(*columns, strict=True)
    return {_key(encode_identifier(user), encode_identifier(number)): row for row, (user, number) in enumerate(rows)}


def read_decisions(
    files: Iterable[Path], rows: dict[str, int], progress: Any = lambda done, total: None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Reads the decisions on n rows: probabilities, model probabilities, risk scores and times (ms), each [n].

    Raises UndecidedTransactions unless there is exactly one decision per row.
    """
    files = list(files)
    count = len(rows)
    final, model = np.full(count, np.nan), np.full(count, np.nan)
    scores, times_ms, seen = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    decode = msgspec.json.Decoder(_Decision | _Duplicate).decode
    total = sum(file.stat().st_size for file in files)
    done = 0
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines):
                done += len(line)
                if number % 20_000 == 0:
                    progress(done, total)
                decision = decode(line)
                if isinstance(decision, _Duplicate):
                    continue
                row = rows.get(_key(decision.user_id, decision.transaction_id))
                if row is None:
                    continue
                own = decision.model.probability
                model[row], scores[row], times_ms[row] = own, decision.risk_score, decision.event_time_ms
                final[row] = own if decision.probability is None else decision.probability
                seen[row] += 1
    progress(total, total)
    if (seen != 1).any():
        raise UndecidedTransactions(
            f"of {count:,} transactions, {int((seen == 0).sum()):,} have no decision and {int((seen > 1).sum()):,} several"
        )
    return final, model, scores, times_ms


def write_decisions(stream: Stream, scored: Scored, path: Path) -> None:
    """Writes decisions.parquet; transaction_id and user_id are the table's trans_num and cc_num in their own types."""
    first = stream.first_measured
    table = pa.table(
        {
            "transaction_id": stream.table.transactions["trans_num"].slice(first),
            "user_id": stream.table.cc_nums.slice(first),
            "timestamp": pa.array(scored.times_ms, pa.timestamp("ms", tz="UTC")),
            "probability": scored.probabilities,
            "risk_score": scored.risk_scores.astype(np.int32),
        }
    )
    pq.write_table(table, path)


def _key(user_id: str, transaction_id: str) -> str:
    return f"{user_id} {transaction_id}"  # ids contain no spaces
