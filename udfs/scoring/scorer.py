"""The scorer: from records to their outputs, a batch a call. Entry point of the package.

    submit:  the record is kept, with the position of its user's state
    flush:   core: decode -> users' states -> features -> model -> rules -> decision -> bytes; then the states are written

Submitted records are decided by the next `flush`, which must be called before each checkpoint. Outputs do not depend on
the composition of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from udfs.core.port import Port, Write, write_all
from udfs.features.values import named
from udfs.metrics.counters import ScorerCounters
from udfs.records.codec import decode_event
from udfs.records.codes import count_unknown
from udfs.records.event_decoder import EventDecoder
from udfs.records.outputs import Action, Destination, Origin, Output
from udfs.rules.population import Population
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import Bundle
from udfs.scoring.dead_letters import DeadLetters
from udfs.scoring.decider import Candidate, decider_of
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.engine import Engine
from udfs.scoring.ensemble import Ensemble
from udfs.scoring.model import Model
from udfs.scoring.settings import ScorerConfig
from udfs.state.user_log import UserLog
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.stores.record_source import RemoteSource
from udfs.values.local_time import LocalTime

PUBLISHED: Final = ("txn_count_5m", "avg_amount_1h", "foreign_country_count_1d", "velocity_score")


class Submitted(NamedTuple):
    """A record that is not decoded yet, and the position of its user's state."""

    payload: bytes | None
    key: str
    arrived_at_ms: int | None
    origin: Origin
    position: Any


class ScoredFrame(NamedTuple):
    """What came of a frame. `answer`: see udfs/core/src/frame.rs. `places` and `letters`: of the records that became dead
    letters. `outputs`: how many there are beside, by destination and action. `arrived_at_ms`: of some records. `guarded`: of
    each rule with guardrails that is live for some users their payments, hits, hits with an action and blocked hits."""

    answer: bytes
    places: list[int]
    letters: list[Output]
    records: int
    outputs: dict[tuple[Destination, Action | None], int]
    arrived_at_ms: list[int]
    guarded: dict[str, tuple[int, int, int, int]]


class Scorer:
    """Scores the records of one operator instance. Called on the operator's thread only; not thread-safe.

    To submit more than one record before a flush, `user_log` needs `position` and `go_to`
    (udfs.state.user_log.MovableUserLog).
    """

    def __init__(
        self,
        config: ScorerConfig,
        engine: Engine,
        ensemble: Ensemble,
        rulebook: Rulebook,
        population: Population,
        user_log: UserLog,
        online: OnlineFeaturePublisher | None = None,
        decode: EventDecoder = decode_event,
    ) -> None:
        """Raises RuleMapError for an invalid map of the rule set in the bundle."""
        self.engine = engine
        self.online = online
        self.population = population
        self.counters = ScorerCounters()
        self.control_versions: dict[str, int] = {}
        self.candidates: dict[str, Candidate] = {}
        self._letters = DeadLetters(config.dead_letters, self.counters.dead_letters)
        self._log = user_log
        self._position = getattr(user_log, "position", lambda: None)
        self._go_to = getattr(user_log, "go_to", lambda position: None)
        self._decode = decode
        self._local_time = LocalTime(config.default_timezone)
        names = engine.features.names
        self._published = [names.index(name) for name in PUBLISHED] if online is not None else []
        self._waiting: list[Submitted] = []
        self._use(config, ensemble, rulebook)

    def process(self, payload: bytes | None, key: str, arrived_at_ms: int | None, origin: Origin) -> list[Output]:
        """All outputs of one record of the current key `key`: submit and flush."""
        self.submit(payload, key, arrived_at_ms, origin)
        (outputs,) = self.flush()
        return outputs

    def submit(self, payload: bytes | None, key: str, arrived_at_ms: int | None, origin: Origin) -> None:
        """Take a record; `flush` returns its outputs. `key` must be the current key of the state. Does not block.

        `arrived_at_ms`: epoch milliseconds, None where the source has no arrival times.
        """
        self._waiting.append(Submitted(payload, key, arrived_at_ms, origin, self._position()))

    def flush(self) -> list[list[Output]]:
        """The outputs of each record submitted since the last flush, in order. Blocks for one round trip to the stores at
        most for each kind of look-up, and for the state backend.

        Invalid records become dead letters. Exceptions are failures of the state, and must fail the job.
        """
        submitted, self._waiting = self._waiting, []
        if not submitted:
            return []
        go_to = self._go_to

        def select(place: int) -> None:
            go_to(submitted[place].position)

        with self._writing(select) as port:
            outcomes, writes, unknown, misses, counts = self.engine.core.score_batch(
                [record.key for record in submitted],
                [record.payload for record in submitted],
                [record.arrived_at_ms for record in submitted],
                [record.origin for record in submitted],
                port,
                self._decider,
                self._model,
                self._published,
                self._decode is not decode_event,
            )
            write_all(writes, self._log, select)
        self._count(writes, unknown, misses, counts)
        return [self._outputs(record, outcome) for record, outcome in zip(submitted, outcomes, strict=True)]

    def score_frame(
        self, frame: bytes, source: str, arrived_at_ms: int | None, select: Callable[[int], None]
    ) -> ScoredFrame:
        """Score a batch of records in one frame (udfs/core/src/frame.rs). Blocks and raises as `flush` does.

        `source`, `arrived_at_ms`: of records that do not say theirs. `select`: makes the user of the record at a place
        the current one of the log. The entries in the answer must be added to the users' logs after this call; all else
        is written by it.
        """
        with self._writing(select) as port:
            answer, dead, writes, unknown, misses, counts = self.engine.core.score_frame(
                frame,
                source,
                arrived_at_ms,
                port,
                self._decider,
                self._model,
                self._published,
                self._decode is not decode_event,
            )
            write_all(writes, self._log, select)
        self._count(writes, unknown, misses, counts)
        letters = [
            self._letter(outcome, payload, Origin(source, partition, offset))
            for _, outcome, payload, source, partition, offset in dead
        ]
        places = [place for place, *_ in dead]
        return ScoredFrame(
            answer, places, letters, counts["records"], counts["outputs"], counts["arrived_at_ms"],
            counts.get("guarded", {}),
        )  # fmt: skip

    def use_rules(self, rulebook: Rulebook) -> None:
        """Use another rule set from the next flush on. Raises RuleMapError; nothing is changed then."""
        self._use(self.config, self.ensemble, rulebook)

    def use_candidate(self, name: str, candidate: Candidate | None) -> None:
        """Evaluate a candidate in shadow from the next flush on, or no longer (None). Raises RuleMapError; nothing is
        changed then."""
        before = self.candidates
        self.candidates = {known: other for known, other in before.items() if known != name}
        if candidate is not None:
            self.candidates[name] = candidate
        try:
            self._use(self.config, self.ensemble, self.rulebook)
        except BaseException:
            self.candidates = before
            raise

    def use_thresholds(self, decision: DecisionSettings) -> None:
        """Use other thresholds from the next flush on."""
        self._use(msgspec.structs.replace(self.config, decision=decision), self.ensemble, self.rulebook)

    def use_bundle(self, bundle: Bundle) -> None:
        """Use another bundle from the next flush on. Raises RuleMapError; nothing is changed then."""
        self._use(self.config, Ensemble(bundle), self.rulebook)

    def set_control_version(self, kind: str, version: int | None) -> None:
        """Set the version of a kind of control elements that decisions show from now on; None: none."""
        versions = {name: known for name, known in self.control_versions.items() if name != kind}
        if version is not None:
            versions[kind] = version
        self.show_control_versions(versions)

    def show_control_versions(self, versions: dict[str, int]) -> None:
        """Set the versions that decisions show from now on, by kind of control elements."""
        self.control_versions = dict(sorted(versions.items()))
        self._decider.use_control_versions(list(self.control_versions.items()))

    def refused_control(self, payload: bytes | None, reason: str, origin: Origin) -> Output:
        """The dead letter of a refused control element; it is counted."""
        return self._letters.of_control(payload, reason, origin)

    def close(self) -> None:
        """Publish pending online features, stop threads and close connections. Submitted records must be flushed before."""
        if self.online is not None:
            self.online.close()
        self.engine.close()

    def _outputs(self, submitted: Submitted, outcome: tuple[Any, ...]) -> list[Output]:
        payload, key, _, origin, _ = submitted
        kind = outcome[0]
        if kind == "decision":
            _, decision, action, alert, notice = outcome
            outputs = [Output.of_bytes("decisions", key, decision, action)]
            if alert is not None:
                outputs.append(Output.of_bytes("alerts", key, alert, action))
            elif notice is not None:
                outputs.append(Output.of_bytes("flags", key, notice, action))
            return outputs
        if kind == "nothing":
            return []
        if kind == "duplicate":
            return [Output.of_bytes("decisions", key, outcome[1], None)]
        if kind in ("refused", "undecided"):
            return [self._letter(outcome, payload, origin)]
        return [Output.of_bytes("alerts" if kind == "alert" else "flags", key, outcome[1], outcome[2])]

    def _letter(self, outcome: tuple[Any, ...], payload: bytes | None, origin: Origin) -> Output:
        if outcome[0] == "refused":
            return self._letters.of_refusal(outcome[1], payload, outcome[2], origin)
        return self._letters.of_undecided(payload, outcome[1], origin)

    @contextmanager
    def _writing(self, select: Callable[[int], None]) -> Iterator[Port]:
        """Of a batch, whose users are evicted if it fails: in memory they may be ahead of what is written."""
        unknown_codes = self.counters.unknown_codes
        try:
            yield Port(self._log, select, self.engine.source, self._local_time, unknown_codes, self._decode)
        except BaseException:
            self.engine.core.evict_all()
            raise

    def _count(
        self, writes: Sequence[Write], unknown: Iterable[tuple[str, str]], misses: int, counts: dict[str, Any]
    ) -> None:
        counters, users = self.counters, self.engine.users
        for field, text in unknown:
            count_unknown(counters.unknown_codes, field, text)
        users.misses += misses
        users.compactions += sum(kind == "snapshot" for _, kind, _ in writes)
        counters.late += counts["late"]
        counters.erased += counts["erased"]
        if counts["newest_event_ms"] is not None:
            counters.newest_event_ms = counts["newest_event_ms"]
        for name, known in (
            ("enrichment", counters.enrichment),
            ("rule_hits", counters.rule_hits),
            ("tags", counters.tags),
            ("shadow_hits", counters.shadow_hits),
            ("shadow_differs", counters.shadow_differs),
            ("shadow_errors", counters.shadow_errors),
        ):
            for label, count in counts.get(name, {}).items():
                known[label] = known.get(label, 0) + count
        if isinstance(self.engine.source, RemoteSource):
            self.engine.source.counters.hits = self.engine.core.hits
        if self.online is not None:
            for user_id, time_ms, values in counts["online"]:
                self.online.offer(user_id, time_ms, named(dict(zip(PUBLISHED, values, strict=True))))

    def _use(self, config: ScorerConfig, ensemble: Ensemble, rulebook: Rulebook) -> None:
        """Replace what decides; if one part cannot be used, nothing is changed."""
        manifest = ensemble.bundle.manifest
        decider = decider_of(config, manifest, rulebook, self.population, self.control_versions, self.candidates)
        self.config = config
        self.ensemble = ensemble
        self.rulebook = rulebook
        self._decider = decider
        self._model = Model(ensemble, config.default_timezone)
        self.engine.core.use_decision(config.decision)
        candidates = [known.rulebook.core for known in self.candidates.values()]
        self.engine.core.use_rules(rulebook.core, self.population.core, candidates)
