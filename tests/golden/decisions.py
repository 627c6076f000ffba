"""Recorded streams: what a scorer was given, record by record, and all that it gave.

    python -m tests.golden.decisions

records the outputs again, with the inputs as they are: for a new bundle or new features, never to make a test pass.

A file is JSON lines, compressed: a `Given`, then `Step`s, then the users' states.
"""

from __future__ import annotations

import lzma
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from models.default_bundle import DEFAULT_BUNDLE
from udfs.control.elements import decode_control
from udfs.control.live_control import LiveControl
from udfs.core.learner import LearnerSettings, open_core
from udfs.features.feature_set import feature_set_of
from udfs.records.outputs import Origin, Output
from udfs.records.profiles import BlockEntry
from udfs.rules.population import Population, Statistics
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import load_bundle
from udfs.scoring.engine import Engine
from udfs.scoring.ensemble import Ensemble
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.encoding import RecordDecoder
from udfs.stores.memory import MemoryStore
from udfs.stores.port import UNREADABLE, Record, StoreUnavailable
from udfs.stores.record_source import MemorySource, RecordSource, RemoteSource
from udfs.values.fx_rates import FxRate

FOLDER = Path(__file__).parent
RECORDINGS = tuple(sorted(FOLDER.glob("decisions_*.jsonl.xz")))


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What all records are scored by. `records` are those of the store, as it holds them, in base64."""

    config: ScorerConfig
    rates: tuple[FxRate, ...]
    statistics: Statistics
    rules: RuleSet
    blocked: tuple[BlockEntry, ...]
    records: dict[str, str]
    is_remote: bool
    holds_histories: bool


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A control element, or a record with its outputs: (destination, key, action, value, base64 of headers).

    `now_ms` and `is_down` are the store's clock and whether it answers. Payloads that are no UTF-8 are in base64.
    """

    control: str | None = None
    key: str = ""
    payload: str | None = None
    payload_base64: str | None = None
    arrived_at_ms: int | None = None
    now_ms: int = 0
    is_down: bool = False
    is_restored: bool = False
    outputs: list[tuple[str, str, str | None, str, dict[str, str] | None]] = []

    @property
    def bytes(self) -> bytes | None:
        if self.payload_base64 is not None:
            return b64decode(self.payload_base64)
        return None if self.payload is None else self.payload.encode()


class RecordedStore:
    """A store that answers or does not, at moments that are given."""

    def __init__(self, given: Given) -> None:
        decode = RecordDecoder(given.config.buckets).decode
        self.records: dict[str, Any] = {key: decode(key, b64decode(value)) for key, value in given.records.items()}
        self.holds_histories = given.holds_histories
        self.complete_through_ms = 1 << 62
        self.now_ms = 0
        self.is_down = False

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        if self.is_down:
            raise StoreUnavailable("down")
        return [self.records.get(key) for key in keys]

    def clock_ms(self) -> int:
        return self.now_ms


class Replay:
    """A scorer over what is given, and the users' states that it writes."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.logs = MemoryUserLogs()
        self.store = RecordedStore(given)
        self._elements: list[str] = []
        self._offset = 0
        self.restore()

    def restore(self) -> None:
        """As after a crash: a new scorer over the states as they are written, with the control elements again."""
        self.scorer = scorer_of(self.given, self.store, self.logs)
        self._control = LiveControl(self.scorer)
        for element in self._elements:
            self._control.apply(decode_control(element.encode()))

    def take(self, step: Step) -> list[Output]:
        if step.is_restored:
            self.restore()
        if step.control is not None:
            self._elements.append(step.control)
            self._control.apply(decode_control(step.control.encode()))
            return []
        self.store.now_ms, self.store.is_down = step.now_ms, step.is_down
        self._offset += 1
        self.logs.set_current_key(step.key)
        return self.scorer.process(step.bytes, step.key, step.arrived_at_ms, origin_of(self._offset))


def scorer_of(given: Given, store: RecordedStore, logs: MemoryUserLogs) -> Scorer:
    config = given.config
    features = feature_set_of(())
    source: RecordSource = MemorySource(memory_store(given, store))
    if given.is_remote:
        source = RemoteSource(store, config.cache, store.clock_ms)
    settings = LearnerSettings(
        state=config.state, buckets=config.buckets, cache=config.cache if given.is_remote else None,
        base_currency=config.base_currency, rates=given.rates, default_timezone=config.default_timezone,
        decision=config.decision, latest_timestamp_ms=config.admission.latest_timestamp_ms,
        future_tolerance_ms=config.admission.future_tolerance_ms,
    )  # fmt: skip
    return Scorer(
        config,
        Engine(open_core(settings, source), features, source, given.blocked),
        Ensemble(load_bundle(DEFAULT_BUNDLE, features.names, features.version)),
        Rulebook.of(given.rules, features.names),
        Population(given.statistics),
        logs,
    )


def memory_store(given: Given, store: RecordedStore) -> MemoryStore:
    records: dict[str, Record] = {key: record for key, record in store.records.items() if record is not UNREADABLE}
    return MemoryStore(records, given.holds_histories)


def origin_of(offset: int) -> Origin:
    return Origin("stream", str(offset % 3), offset) if offset % 5 else Origin("file")


def outputs_of(outputs: list[Output]) -> list[tuple[str, str, str | None, str, dict[str, str] | None]]:
    return [
        (
            output.destination,
            output.key,
            output.action,
            output.value.decode("utf-8", "backslashreplace"),
            {name: b64encode(value).decode() for name, value in output.headers.items()} if output.headers else None,
        )
        for output in outputs
    ]


class Recording(NamedTuple):
    """`states`: snapshot and log entries of each user at the end."""

    given: Given
    steps: list[Step]
    states: dict[str, tuple[bytes | None, list[bytes]]]


def read(path: Path) -> Recording:
    first, *steps, last = lzma.decompress(path.read_bytes()).splitlines()
    decode = msgspec.json.Decoder(Step).decode
    states = msgspec.json.decode(last, type=dict[str, tuple[bytes | None, list[bytes]]])
    return Recording(msgspec.json.decode(first, type=Given), list(map(decode, steps)), states)


def write(path: Path, recording: Recording) -> None:
    lines = [recording.given, *recording.steps, recording.states]
    path.write_bytes(lzma.compress(b"\n".join(map(msgspec.json.encode, lines)), preset=9))


def states_of(logs: MemoryUserLogs, steps: Iterable[Step]) -> dict[str, tuple[bytes | None, list[bytes]]]:
    states = {}
    for key in sorted({step.key for step in steps if step.control is None}):
        logs.set_current_key(key)
        states[key] = (logs.snapshot(), list(logs.entries()))
    return states


def record(path: Path) -> None:
    """The same inputs with the outputs of today."""
    given, steps, _ = read(path)
    replay = Replay(given)
    steps = [msgspec.structs.replace(step, outputs=outputs_of(replay.take(step))) for step in steps]
    write(path, Recording(given, steps, states_of(replay.logs, steps)))


if __name__ == "__main__":
    for recording in RECORDINGS:
        record(recording)
