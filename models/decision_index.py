"""Index of logged decisions by id: the hash of the id and the position of the line in its file, 16 bytes each."""

from __future__ import annotations

import mmap
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from models.event_files import EventFileError, Progress, lines_with_positions, no_progress
from udfs.records.logged_features import FeaturesError, FeatureSets, LoggedFeatures, features_of, names_of_packed
from udfs.records.outputs import EnrichmentStatus

ABSENT = msgspec.Raw(b"null")
_decode_named = msgspec.json.Decoder(dict[str, float | None] | None).decode


class LoggedModel(msgspec.Struct, gc=False):
    bundle: str


class LoggedDecision(msgspec.Struct, tag_field="type", tag="decision", gc=False, kw_only=True):
    """The fields of a decision that parity compares. `features` stays encoded JSON until it is needed."""

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    model: LoggedModel
    enrichment: EnrichmentStatus = "ok"
    control_versions: dict[str, int] = {}
    features: msgspec.Raw = ABSENT
    feature_set: str | None = None
    features_packed: bytes | None = None

    def features_by_name(self, feature_sets: FeatureSets) -> dict[str, float]:
        """The features by name, from either form. Raises FeaturesError."""
        named = _decode_named(self.features)
        return features_of(
            LoggedFeatures(features=named, feature_set=self.feature_set, features_packed=self.features_packed),
            feature_sets,
        )


class LoggedDuplicate(msgspec.Struct, tag_field="type", tag="duplicate", gc=False):
    """The output of a repeated transaction, which has no decision."""


decode_line = msgspec.json.Decoder(LoggedDecision | LoggedDuplicate).decode


class DecisionFacts(msgspec.Struct):
    """Totals over all decision lines."""

    decisions: int = 0
    duplicates: int = 0
    bundles: Counter[str] = msgspec.field(default_factory=Counter)
    enrichment: Counter[str] = msgspec.field(default_factory=Counter)
    live_block_list: bool = False


class DecisionIndex:
    """Positions of decisions by the hash of their id. A position is an offset into the concatenation of the files."""

    def __init__(self, paths: Iterable[Path], keys: npt.NDArray[np.uint64], positions: npt.NDArray[np.uint64]) -> None:
        self.keys = keys
        self.positions = positions
        self._maps = [_mapped(path) for path in paths]
        self._starts = np.cumsum([0, *(len(content) for content in self._maps)]).tolist()

    def find(self, decision_id: str) -> list[int]:
        """Numbers of the entries with the hash of this id; entries of other ids can have the same hash."""
        key = np.uint64(key_of(decision_id))
        first = int(np.searchsorted(self.keys, key))
        last = first
        while last < len(self.keys) and self.keys[last] == key:
            last += 1
        return list(range(first, last))

    def line(self, entry: int) -> bytes:
        """The line of an entry, without its line end."""
        position = int(self.positions[entry])
        number = bisect_right(self._starts, position) - 1
        content = self._maps[number]
        start = position - self._starts[number]
        end = content.find(b"\n", start)
        return content[start : end if end >= 0 else len(content)]


def key_of(decision_id: str) -> int:
    """The first 64 bits of a decision id's 128. Raises ValueError for a text that is not a decision id."""
    return int(decision_id[:16], 16)


def index_decisions(
    paths: list[Path], feature_sets: FeatureSets, progress: Progress = no_progress
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], DecisionFacts]:
    """Keys in ascending order, the position of each, and the totals over all lines.

    Raises EventFileError for a file or line that cannot be read, and for decisions without their features or with packed
    ones of a feature set that is not among those given.
    """
    facts = DecisionFacts()
    keys, positions = array("Q"), array("Q")
    total = sum(_size(path) for path in paths)
    start = 0
    for path in paths:
        for number, (offset, line) in enumerate(lines_with_positions(path, _shifted(progress, start, total)), start=1):
            if not line:
                continue
            try:
                decision = decode_line(line)
                if isinstance(decision, LoggedDuplicate):
                    facts.duplicates += 1
                    continue
                keys.append(key_of(decision.decision_id))
                if decision.features_packed is not None:
                    names_of_packed(decision.features_packed, decision.feature_set, feature_sets)
            except FeaturesError as error:
                raise EventFileError(f"{path}, line {number}: {error}") from None
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
                raise EventFileError(f"{path}, line {number}: not a decision: {error}") from None
            if decision.features_packed is None and bytes(decision.features) == bytes(ABSENT):
                raise EventFileError(
                    f"{path}, line {number}: the decision has no features to compare; "
                    "score with scoring.log_features: names or packed"
                )
            positions.append(start + offset)
            facts.decisions += 1
            facts.bundles[decision.model.bundle] += 1
            facts.enrichment[decision.enrichment] += 1
            facts.live_block_list |= any(name.startswith("block-list") for name in decision.control_versions)
        start += _size(path)
    found = np.frombuffer(keys, np.uint64)
    order = np.argsort(found, kind="stable")
    return found[order], np.frombuffer(positions, np.uint64)[order], facts


def _shifted(progress: Progress, start: int, total: int) -> Progress:
    return lambda done, _: progress(start + done, total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise EventFileError(f"{path}: cannot be read: {error.strerror}") from None


def _mapped(path: Path) -> mmap.mmap | bytes:
    if _size(path) == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
