"""What decisions did not log, features, facts and windows, computed again by replaying events through the scorer's core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.backtest.columns import ReplayedColumns
from models.backtest.errors import BacktestError
from models.decision_index import key_of
from models.event_files import Progress, no_progress
from models.replay import replayed_batches
from models.user_shard import UserShard
from udfs.core._native import decision_id, is_window
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.rules.column_rules import Texts
from udfs.rules.names import Kind, names_for
from udfs.scoring.factory import open_replayer
from udfs.scoring.settings import ScorerConfig, ScorerPaths

SANCTIONED_PARTIES = "sanctioned_parties"
_FACTS = {name.name: name.kind for name in names_for(()) if name.source == "facts"}


class Replay:
    """Some features, facts and windows of all transactions of a file: 8 bytes a transaction and name, and 8 for its id."""

    def __init__(
        self, events: Path, config: ScorerConfig, paths: ScorerPaths, attributes: tuple[Attribute, ...],
        names: Sequence[str], progress: Progress = no_progress,
    ) -> None:  # fmt: skip
        """Replay the file, in order of arrival. `names`: of features and facts, and windows such as `count(last 7 days)`.
        Raises BacktestError for a name that this version does not compute, EventFileError, StoreError, FxFileError."""
        known = feature_set_of(attributes).names
        windows = [name for name in names if is_window(name)]
        facts = [name for name in names if name in _FACTS]
        features = [name for name in names if name not in _FACTS and name not in windows]
        missing = sorted(set(features) - set(known))
        if missing:
            raise BacktestError(
                f"{', '.join(missing)}: neither logged nor computed by a replay; leave out the rules that read them"
            )
        places = [known.index(name) for name in features]
        numbers = [name for name in facts if _FACTS[name] is Kind.NUMBER]
        replayer = open_replayer(config, paths, attributes, windows=windows, with_facts=bool(facts))
        keys: list[int] = []
        parts = []
        parties: list[str | None] = []
        for _, batch in replayed_batches(events, replayer, UserShard(), progress):
            ids = zip(batch.user_ids, batch.transaction_ids, strict=True)
            keys += [key_of(decision_id(user_id, transaction_id)) for user_id, transaction_id in ids]
            columns = [replayer.features()[:, places], batch.windows]
            if batch.facts is not None:
                columns += [batch.facts.numbers[name][:, None] for name in numbers]
                parties += batch.facts.sanctioned_parties if SANCTIONED_PARTIES in facts else ()
            parts.append(np.hstack(columns))
        replayer.close()
        found = np.array(keys, np.uint64)
        order = np.argsort(found, kind="stable")
        self._names = (*features, *windows, *numbers)
        self._keys = found[order]
        self._values = (np.concatenate(parts) if parts else np.empty((0, len(self._names))))[order]
        self._parties = _Parties(parties, order) if SANCTIONED_PARTIES in facts else None
        self.missing = 0

    def of(self, decision_ids: pa.StringArray) -> ReplayedColumns:
        """The values of decisions; unknown for a decision without its transaction, of which `missing` is the number."""
        keys = np.array([key_of(identity) for identity in decision_ids.to_pylist()], np.uint64)
        rows = np.searchsorted(self._keys, keys)
        rows[rows == len(self._keys)] = 0
        known = self._keys[rows] == keys if len(self._keys) else np.zeros(len(keys), bool)
        self.missing += int((~known).sum())
        values = np.full((len(keys), len(self._names)), np.nan)
        values[known] = self._values[rows[known]]
        values[~np.isfinite(values)] = np.nan  # as decisions log them
        numbers = {name: np.ascontiguousarray(values[:, place]) for place, name in enumerate(self._names)}
        texts = {} if self._parties is None else {SANCTIONED_PARTIES: self._parties.of(rows, known)}
        return ReplayedColumns(numbers, texts)


class _Parties:
    """The sanctioned parties of transactions, put in an order."""

    def __init__(self, parties: Sequence[str | None], order: npt.NDArray[np.intp]) -> None:
        encoded = pa.array(parties, pa.string()).dictionary_encode()
        self._texts: list[str] = encoded.dictionary.to_pylist()
        self._codes = np.asarray(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int32)[order]

    def of(self, rows: npt.NDArray[np.intp], known: npt.NDArray[np.bool_]) -> Texts:
        """Of some rows; unknown but for those that are `known`."""
        codes = np.full(len(rows), -1, np.int32)
        codes[known] = self._codes[rows[known]]
        return Texts(codes, self._texts)
