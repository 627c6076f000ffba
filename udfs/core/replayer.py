"""A history in, batch by batch; its transactions with features and rule points out, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from udfs.core._native import PopulationFigures, Rulebook
from udfs.core.learner import LearnerSettings, open_core
from udfs.core.port import Port
from udfs.records.profiles import BlockEntry
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.record_source import RecordSource
from udfs.values.local_time import LocalTime

NEVER = 1 << 62

Label = tuple[str, str, int, bool]
"""User id, transaction id, moment from which it is known (epoch milliseconds), and whether it is fraud."""


class FactColumns(NamedTuple):
    """The facts of N transactions: those that are numbers by name, float64 [N], NaN where not known, and the sanctioned
    parties (udfs/core/src/rules/facts.rs)."""

    numbers: dict[str, npt.NDArray[np.float64]]
    sanctioned_parties: list[str | None]


class Replayed(NamedTuple):
    """What came of a batch, N transactions of it learned. Duplicates are not among them, late transactions are.

    `places`: of the transactions' records in the batch. `amounts`: in major units of the base currency. `rule_points`: None
    without rules. `labels`: all labels of the batch, in order. `windows`: float64 [N, W], of the replayer's windows; NaN
    where not known. `facts`: None unless the replayer was asked for them.
    """

    places: npt.NDArray[np.int64]
    user_ids: list[str]
    transaction_ids: list[str]
    timestamps_ms: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.float64]
    rule_points: npt.NDArray[np.int64] | None
    labels: list[Label]
    windows: npt.NDArray[np.float64]
    facts: FactColumns | None


class Replayer:
    """Learns a history as the job would, with all users' states in memory and none of them written.

    Not thread-safe. Memory: the users' states.
    """

    def __init__(
        self,
        settings: LearnerSettings,
        source: RecordSource,
        block_list: Iterable[BlockEntry] = (),
        rules: tuple[Rulebook, PopulationFigures] | None = None,
        windows: Sequence[str] = (),
        facts: bool = False,
    ) -> None:
        """`settings` hold for all but the cache of users and the writing of states. `rules`: what gives rule points, and the
        population statistics for it. `windows`: such as `count(last 7 days)`. `facts`: whether to tell them. Raises
        ValueError, RuleError.
        """
        # Snapshots and compaction only bound what is stored.
        state = msgspec.structs.replace(
            settings.state, snapshot_every=NEVER, snapshot_after_ms=NEVER, compact_slack=NEVER
        )
        self._core = open_core(msgspec.structs.replace(settings, state=state, cache_bytes=NEVER), source)
        for entry in block_list:
            self._core.add_block(entry)
        self._core.replay_also(list(windows), facts)
        self._windows = len(windows)
        self._source = source
        self._rules = rules
        self._local_time = LocalTime(settings.default_timezone)
        self._states = MemoryUserLogs()

    def replay(self, payloads: Sequence[bytes]) -> Replayed:
        """Learn the records of a batch, in order of arrival; what the job would make a dead letter of is left out.

        Raises RuntimeError for a record that fails unexpectedly.
        """
        payloads = list(payloads)
        port = Port(self._states, _no_user, self._source, self._local_time, {})
        places, user_ids, transaction_ids, times, amounts, points, labels, past, facts = self._core.replay_batch(
            payloads, port, self._rules
        )
        return Replayed(
            np.array(places, np.int64),
            user_ids,
            transaction_ids,
            np.frombuffer(times, np.int64),
            np.frombuffer(amounts, np.float64),
            None if points is None else np.frombuffer(points, np.int64),
            labels,
            np.frombuffer(past, np.float64).reshape(len(places), self._windows),
            None if facts is None else _fact_columns(*facts),
        )

    def features(self) -> npt.NDArray[np.float64]:
        """The features of the last batch's transactions, float64 [N, F], NaN where unknown."""
        return np.frombuffer(self._core.features(), np.float64).reshape(-1, self._core.width)

    def model_input(self) -> npt.NDArray[np.float32]:
        """The same as the model reads them, float32 [N, F]; a value beyond float32 is infinite."""
        return np.frombuffer(self._core.model_input(), np.float32).reshape(-1, self._core.width)

    def close(self) -> None:
        """Close the stores."""
        self._source.close()


def _fact_columns(numbers: list[tuple[str, bytes]], sanctioned_parties: list[str | None]) -> FactColumns:
    return FactColumns({name: np.frombuffer(values, np.float64) for name, values in numbers}, sanctioned_parties)


def _no_user(place: int) -> None:
    """No user has a stored state."""
