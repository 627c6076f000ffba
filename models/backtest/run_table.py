"""The decisions of a run's files as a table, joined with the events that were scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from models.backtest.decision_table import (
    DecisionFields,
    DecisionRow,
    TableForm,
    batches_of,
    decode_output,
)
from models.backtest.errors import BacktestError
from models.backtest.event_index import EventIndex
from models.event_files import Progress, lines_with_positions, no_progress
from udfs.records.logged_features import FeatureSets
from udfs.records.outputs import FeatureForm


class RunTable:
    """Decisions of files, each once, in their order. Outputs are at-least-once: a repeated decision is left out."""

    def __init__(self, decisions: Sequence[Path], index: EventIndex | None, feature_sets: FeatureSets) -> None:
        self._files = list(decisions)
        self._index = index
        self.feature_sets = dict(feature_sets)

    def form(self, features: FeatureForm | None = None) -> TableForm:
        """The form of the table: that of the first decision's features unless given. Raises BacktestError, EventFileError.

        Features are those of the first decision's feature set; those that later decisions alone have are left out.
        """
        first = next(self._decisions(no_progress), None)
        if first is None or (first.features is None and first.features_packed is None):
            return TableForm("none", (), {})
        if first.features_packed is not None:
            names = self.feature_sets.get(first.feature_set or "")
            if names is None:
                raise BacktestError(
                    f"{self._files[0]}: features are packed under feature set {first.feature_set}, whose names are not "
                    "known: give the bundle that it was scored with by --bundle"
                )
            return TableForm(features or "packed", tuple(names), self.feature_sets)
        assert first.features is not None
        names = tuple(first.features)
        known = {**self.feature_sets, first.feature_set or "": names}
        return TableForm(features or "names", names, known)

    def batches(self, form: TableForm, progress: Progress = no_progress) -> Iterator[pa.RecordBatch]:
        """All decisions as batches of the table. Raises BacktestError, EventFileError."""
        return batches_of(self._rows(progress), form)

    def _rows(self, progress: Progress) -> Iterator[DecisionRow]:
        seen: set[int] = set()
        for decision in self._decisions(progress):
            key = hash((decision.decision_id, decision.event_time_ms))  # an id may come again, days later
            if key in seen:
                continue
            seen.add(key)
            if self._index is None:
                yield DecisionRow(decision, None, ())
            else:
                identity = decision.decision_id
                event = self._index.transaction(identity, decision.event_time_ms)
                yield DecisionRow(decision, event, self._index.labels(identity))

    def _decisions(self, progress: Progress) -> Iterator[DecisionFields]:
        total = sum(path.stat().st_size for path in self._files if path.exists())
        before = 0
        for path in self._files:
            shift = before

            def shifted(done: int, _: int, shift: int = shift) -> None:
                progress(shift + done, total)

            for number, (_, line) in enumerate(lines_with_positions(path, shifted), start=1):
                if not line:
                    continue
                try:
                    record = decode_output(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    raise BacktestError(
                        f"{path}, line {number}: not a decision: {error}; score again if the run was interrupted"
                    ) from None
                if isinstance(record, DecisionFields):
                    yield record
            before += path.stat().st_size
