"""Are the features that were logged in decisions those that the transaction log gives? Every float64, by equality.

The recomputing side is the core over the log's events in order of arrival, a batch a call. Restarts, parallelism
and the order among users may differ between the two: features depend on the order of the user's own events alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import numpy.typing as npt

from models.decision_index import DecisionFacts, DecisionIndex, LoggedDecision, decode_line, index_decisions
from models.event_files import EventFileError, Progress, Showing, show_nothing
from models.processes import on_processes
from models.replay import replayed_batches
from models.user_shard import UserShard
from udfs.core._native import decision_id
from udfs.features.feature_set import FeatureSet, feature_set_of
from udfs.records.attributes import Attribute
from udfs.records.logged_features import FeatureSets, pack_features
from udfs.records.outputs import SHORT_OF_VALUES
from udfs.scoring.bundle import BundleError, read_manifest
from udfs.scoring.factory import open_replayer
from udfs.scoring.feature_sets import feature_sets_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths

EXAMPLES = 5
_encode = msgspec.json.Encoder().encode


class Place(msgspec.Struct, frozen=True):
    """A transaction, and the line of the log that it was replayed from (None where only the decision has it)."""

    transaction_id: str
    user_id: str
    event_time_ms: int
    enrichment: str = ""
    event_line: int | None = None


class Difference(msgspec.Struct, frozen=True):
    """One feature: in how many transactions it differs, and the first of them by arrival. None: not known."""

    feature: str
    transactions: int
    example: Place
    logged: float | None
    recomputed: float | None


class ParityReport(msgspec.Struct, kw_only=True):
    """The outcome. `mismatching` transactions differ in a feature's value or in the names of the features.

    `missing`: in the log, without a decision. `surplus`: decisions that the log does not give, or a second one of a
    transaction with another content. `repeated`: lines that are there again, byte for byte. `not_logged` and
    `not_recomputed` are names that only this code's catalogue or only the decisions have.
    """

    feature_set_version: str
    transactions: int
    compared: int
    mismatching: int
    mismatching_not_ok: int
    missing: int
    surplus: int
    repeated: int
    decisions: int
    duplicates: int
    bundles: dict[str, int]
    enrichment: dict[str, int]
    live_block_list: bool
    not_logged: list[str]
    not_recomputed: list[str]
    differences: list[Difference]
    missing_examples: list[Place]
    surplus_examples: list[Place]
    notes: list[str] = []

    @property
    def is_equal(self) -> bool:
        return not (self.mismatching or self.missing or self.surplus)


class _Task(msgspec.Struct, frozen=True):
    events: Path
    decisions: list[Path]
    index: Path
    config: ScorerConfig
    paths: ScorerPaths
    attributes: tuple[Attribute, ...]
    feature_sets: dict[str, tuple[str, ...]]


class _Found(msgspec.Struct):
    """What one worker found. `used` marks the index's entries that belong to a replayed transaction."""

    used: npt.NDArray[np.bool_]
    transactions: int = 0
    compared: int = 0
    mismatching: int = 0
    mismatching_not_ok: int = 0
    repeated: int = 0
    missing: int = 0
    missing_examples: list[Place] = msgspec.field(default_factory=list)
    differences: dict[str, Difference] = msgspec.field(default_factory=dict)
    not_logged: set[str] = msgspec.field(default_factory=set)
    not_recomputed: set[str] = msgspec.field(default_factory=set)


def compare(
    events: Path,
    decisions: list[Path],
    config: ScorerConfig,
    paths: ScorerPaths,
    workers: int = 1,
    showing: Showing = show_nothing,
    earlier_bundles: Sequence[Path] = (),
) -> ParityReport:
    """Replay the events and compare with the decisions of the files. `paths` names no store: profiles and histories
    come from files; the bundle declares the bank's own attributes. `earlier_bundles` name the features of decisions that
    are packed under other feature sets. Raises BundleError for one of those, EventFileError, StoreError, FxFileError,
    WorkerDied.
    """
    attributes = _attributes_of(paths.bundle)
    feature_sets = feature_sets_of(earlier_bundles) | _feature_sets(paths.bundle, attributes)
    with showing("reading decisions") as progress:
        keys, positions, facts = index_decisions(decisions, feature_sets, progress)
    if not len(keys):
        raise EventFileError(f"{', '.join(map(str, decisions))}: no decisions to compare")
    with TemporaryDirectory() as folder:
        index = Path(folder) / "index.npy"
        np.save(index, np.stack([keys, positions]))
        task = _Task(events, decisions, index, config, paths, attributes, feature_sets)
        with showing("replaying the log") as progress:
            found = on_processes(_compare_shard, task, workers, progress)
    used = np.logical_or.reduce([part.used for part in found])
    unused = np.flatnonzero(~used)
    places = DecisionIndex(decisions, keys, positions)
    return _report(found, facts, len(unused), _surplus_examples(places, unused), feature_set_of(attributes))


def _attributes_of(bundle: str) -> tuple[Attribute, ...]:
    """What the bundle declares; nothing where there is none to read, since features are compared by their names."""
    try:
        return read_manifest(bundle).attributes
    except BundleError:
        return ()


def _feature_sets(bundle: str, attributes: tuple[Attribute, ...]) -> dict[str, tuple[str, ...]]:
    """That of the bundle, where there is one to read, and the one that is computed here."""
    computed = feature_set_of(attributes)
    try:
        known = feature_sets_of([bundle])
    except BundleError:
        known = {}
    return known | {computed.version: computed.names}


def _compare_shard(task: _Task, shard: UserShard, progress: Progress) -> _Found:
    keys, positions = np.load(task.index, mmap_mode="r")
    index = DecisionIndex(task.decisions, keys, positions)
    found = _Found(np.zeros(len(keys), np.bool_))
    comparison = _Comparison(feature_set_of(task.attributes), task.feature_sets)
    replayer = open_replayer(task.config, task.paths, task.attributes)
    for lines, batch in replayed_batches(task.events, replayer, shard, progress):
        rows = zip(lines.tolist(), batch.user_ids, batch.transaction_ids, batch.timestamps_ms.tolist(), strict=True)
        recomputed = comparison.recomputed(replayer.features())
        for (line, user_id, transaction_id, time_ms), features in zip(rows, recomputed, strict=True):
            found.transactions += 1
            _compare_one(found, index, comparison, Place(transaction_id, user_id, time_ms, "", line), features)
    return found


class _Recomputed(msgspec.Struct, gc=False):
    """The features of one transaction, and their bytes as decisions have them packed."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    packed: bytes

    def by_name(self) -> dict[str, float]:
        return dict(zip(self.names, self.values.tolist(), strict=True))


class _Comparison:
    """Logged features against recomputed ones."""

    def __init__(self, computed: FeatureSet, feature_sets: FeatureSets) -> None:
        self.feature_sets = feature_sets
        self._names = computed.names
        self._version = computed.version

    def recomputed(self, features: npt.NDArray[np.float64]) -> list[_Recomputed]:
        return [_Recomputed(self._names, row, pack_features(row)) for row in features]

    def is_same_bytes(self, decision: LoggedDecision, features: _Recomputed) -> bool:
        """The same bytes are the same values: most transactions need no closer look."""
        if decision.features_packed is None:
            return bytes(decision.features) == _encode(features.by_name())
        return decision.feature_set == self._version and decision.features_packed == features.packed


def _compare_one(
    found: _Found, index: DecisionIndex, comparison: _Comparison, place: Place, features: _Recomputed
) -> None:
    identity = decision_id(place.user_id, place.transaction_id)
    candidates = []
    for entry in index.find(identity):
        line = index.line(entry)
        decision = decode_line(line)
        if isinstance(decision, LoggedDecision) and decision.decision_id == identity:
            candidates.append((entry, line, decision))
    equal = [candidate for candidate in candidates if comparison.is_same_bytes(candidate[2], features)]
    unused = [candidate for candidate in candidates if not found.used[candidate[0]]]
    free = [candidate for candidate in equal if not found.used[candidate[0]]]
    if not (equal or unused):
        found.missing += 1
        if len(found.missing_examples) < EXAMPLES:
            found.missing_examples.append(place)
        return
    _, line, decision = (free or equal or unused)[0]
    same = [entry for entry, other, _ in unused if other == line]
    found.used[same] = True
    found.repeated += max(0, len(same) - 1)
    found.compared += 1
    if not equal:
        logged = decision.features_by_name(comparison.feature_sets)
        _differ(found, msgspec.structs.replace(place, enrichment=decision.enrichment), logged, features.by_name())


def _differ(found: _Found, place: Place, logged: dict[str, float], features: dict[str, float]) -> None:
    names = set(features.keys())
    differs = logged.keys() != names
    found.not_logged |= names - logged.keys()
    found.not_recomputed |= logged.keys() - names
    for name in logged.keys() & names:
        logged_value, value = _known(logged[name]), _known(features[name])
        if logged_value != value:
            differs = True
            before = found.differences.get(name)
            found.differences[name] = (
                Difference(name, 1, place, logged_value, value)
                if before is None
                else msgspec.structs.replace(before, transactions=before.transactions + 1)
            )
    if differs:
        found.mismatching += 1
        found.mismatching_not_ok += place.enrichment in SHORT_OF_VALUES


def _known(value: float) -> float | None:
    """None for NaN, and for what is infinite, which decisions do not tell apart."""
    return value if math.isfinite(value) else None


def _surplus_examples(index: DecisionIndex, unused: npt.NDArray[np.int64]) -> list[Place]:
    first = sorted(unused.tolist(), key=lambda entry: int(index.positions[entry]))[:EXAMPLES]
    decisions = [decode_line(index.line(entry)) for entry in first]
    return [
        Place(decision.transaction_id, decision.user_id, decision.event_time_ms, decision.enrichment)
        for decision in decisions
        if isinstance(decision, LoggedDecision)
    ]


def _report(
    found: list[_Found], facts: DecisionFacts, surplus: int, surplus_examples: list[Place], feature_set: FeatureSet
) -> ParityReport:
    missing = sorted((place for part in found for place in part.missing_examples), key=_arrival)
    return ParityReport(
        feature_set_version=feature_set.version,
        transactions=sum(part.transactions for part in found),
        compared=sum(part.compared for part in found),
        mismatching=sum(part.mismatching for part in found),
        mismatching_not_ok=sum(part.mismatching_not_ok for part in found),
        missing=sum(part.missing for part in found),
        surplus=surplus,
        repeated=sum(part.repeated for part in found),
        decisions=facts.decisions,
        duplicates=facts.duplicates,
        bundles=dict(facts.bundles),
        enrichment=dict(facts.enrichment),
        live_block_list=facts.live_block_list,
        not_logged=_in_order(found, "not_logged", feature_set),
        not_recomputed=_in_order(found, "not_recomputed", feature_set),
        differences=_merged(found),
        missing_examples=missing[:EXAMPLES],
        surplus_examples=surplus_examples,
    )


def _merged(found: list[_Found]) -> list[Difference]:
    """Worst features first; the example is the first by arrival, whichever worker saw it."""
    merged: dict[str, Difference] = {}
    for part in found:
        for name, difference in part.differences.items():
            before = merged.get(name)
            if before is not None:
                first = min(before, difference, key=lambda item: _arrival(item.example))
                difference = msgspec.structs.replace(first, transactions=before.transactions + difference.transactions)
            merged[name] = difference
    return sorted(merged.values(), key=lambda item: (-item.transactions, item.feature))


def _in_order(found: list[_Found], field: str, feature_set: FeatureSet) -> list[str]:
    names = set().union(*(getattr(part, field) for part in found))
    return [name for name in feature_set.names if name in names] + sorted(names - set(feature_set.names))


def _arrival(place: Place) -> int:
    return place.event_line or 0
