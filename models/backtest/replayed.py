"""What decisions did not log, features and windows, computed again by replaying the events through the scorer's core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from models.backtest.errors import BacktestError
from models.decision_index import key_of
from models.event_files import Progress, no_progress
from models.replay import replayed_batches
from models.user_shard import UserShard
from udfs.core._native import decision_id, is_window
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.rules.column_rules import Numbers
from udfs.scoring.factory import open_replayer
from udfs.scoring.settings import ScorerConfig, ScorerPaths


class Replay:
    """Some features and windows of all transactions of a file: 8 bytes a transaction and name, and 8 for its id."""

    def __init__(
        self, events: Path, config: ScorerConfig, paths: ScorerPaths, attributes: tuple[Attribute, ...],
        names: Sequence[str], progress: Progress = no_progress,
    ) -> None:  # fmt: skip
        """Replay the file, in order of arrival. `names`: of features, and windows such as `count(last 7 days)`. Raises
        BacktestError for a feature that this version does not compute, EventFileError, StoreError, FxFileError."""
        known = feature_set_of(attributes).names
        windows = [name for name in names if is_window(name)]
        features = [name for name in names if name not in windows]
        missing = sorted(set(features) - set(known))
        if missing:
            raise BacktestError(
                f"{', '.join(missing)}: neither logged nor computed by a replay, as facts about users are not; leave out "
                "the rules that read them"
            )
        places = [known.index(name) for name in features]
        replayer = open_replayer(config, paths, attributes, windows=windows)
        keys: list[int] = []
        parts = []
        for _, batch in replayed_batches(events, replayer, UserShard(), progress):
            ids = zip(batch.user_ids, batch.transaction_ids, strict=True)
            keys += [key_of(decision_id(user_id, transaction_id)) for user_id, transaction_id in ids]
            parts.append(np.concatenate([replayer.features()[:, places], batch.windows], axis=1))
        replayer.close()
        found = np.array(keys, np.uint64)
        order = np.argsort(found, kind="stable")
        self._names = (*features, *windows)
        self._keys = found[order]
        self._values = (np.concatenate(parts) if parts else np.empty((0, len(places))))[order]
        self.missing = 0

    def of(self, decision_ids: pa.StringArray) -> dict[str, Numbers]:
        """The values of decisions by name, float64 [N]; NaN where unknown and for a decision without its transaction, of
        which `missing` is the number."""
        keys = np.array([key_of(identity) for identity in decision_ids.to_pylist()], np.uint64)
        rows = np.searchsorted(self._keys, keys)
        rows[rows == len(self._keys)] = 0
        known = self._keys[rows] == keys if len(self._keys) else np.zeros(len(keys), bool)
        self.missing += int((~known).sum())
        values = np.full((len(keys), len(self._names)), np.nan)
        values[known] = self._values[rows[known]]
        values[~np.isfinite(values)] = np.nan  # as decisions log them
        return {name: np.ascontiguousarray(values[:, place]) for place, name in enumerate(self._names)}
