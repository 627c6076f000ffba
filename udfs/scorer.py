"""From one record to its outputs: the room every reader should find first.

    take:   bytes -> event -> user state and windows -> enrichment -> features -> state written
    flush:  ensemble for all that were taken -> rules -> decision -> bytes

`take` computes first and writes the state last. An error before that forgets the decoded user, so that the record has
not happened; it leaves as a dead letter. What is taken is decided by the next `flush`, which whoever saves the state
has to call before: many at once cost a model less than one at a time, and no decision depends on its company.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import msgspec

from udfs.bundle import Bundle
from udfs.codec import BadRecord, decode_event
from udfs.dead_letter import LetterForm, dead_letter
from udfs.decision_settings import DecisionSettings
from udfs.ensemble import Ensemble, Prediction
from udfs.entries import FlagEntry
from udfs.events import AccountChange, Event, Label, Login, Transaction
from udfs.explaining import Explainer
from udfs.feature_engine import FeatureEngine
from udfs.flag_days import untold_flags
from udfs.flags import flag_reasons, flags_of, needs_audit
from udfs.judge import Judge, Judgement
from udfs.money import AmountOutOfRange, MissingRate
from udfs.notices import AUDIT, alert_of, audit_alert_of, audit_notice_of, decision_id, flag_notice_of
from udfs.observation import Observation
from udfs.outputs import Decision, Duplicate, Flag, ModelScore, Origin, Output, Reason, RuleScore
from udfs.rules.population import Population
from udfs.rules.rulebook import Rulebook, RuleResult
from udfs.scorer_config import ScorerConfig
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.tally import DeadLetterKind, Tally, count
from udfs.time_units import DAY_MS
from udfs.undecided import Undecided
from udfs.user_state import User

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
LEARNED = " after the user's state has learned the transaction, so that it is a duplicate if it is sent again"
_REFUSALS: dict[type[Exception], DeadLetterKind] = {
    BadRecord: "bad_record",
    MissingRate: "missing_rate",
    AmountOutOfRange: "amount_out_of_range",
}


class Scorer:
    """One operator instance's scorer. It is given the records of the keys it owns, one at a time."""

    def __init__(
        self,
        config: ScorerConfig,
        engine: FeatureEngine,
        ensemble: Ensemble,
        rulebook: Rulebook,
        population: Population,
        online: OnlineFeaturePublisher | None = None,
    ) -> None:
        self.config = config
        self.engine = engine
        self.ensemble = ensemble
        self.rulebook = rulebook
        self.judge = Judge(config.decision, ensemble.bundle.manifest.decision, rulebook.rule_set)
        self._explainer = Explainer(config, ensemble, self.judge.blend, rulebook)
        self.population = population
        self.online = online
        self.bundle_version = ensemble.bundle.manifest.version
        self.control_versions: dict[str, int] = {}
        self.tally = Tally()
        self._waiting: list[Undecided | list[Output]] = []
        self._letters = LetterForm(config.dead_letters_as_json, config.largest_dead_letter_bytes)

    def process(self, payload: bytes | None, key: str, arrived_at_ms: int | None, origin: Origin) -> list[Output]:
        """All outputs of one record of key `key`, taken and flushed alone."""
        self.take(payload, key, arrived_at_ms, origin)
        (outputs,) = self.flush()
        return outputs

    def take(
        self,
        payload: bytes | None,
        key: str,
        arrived_at_ms: int | None,
        origin: Origin,
        ahead: Event | BadRecord | None = None,
    ) -> None:
        """Learn one record of key `key`: the state holds it, `flush` gives its outputs. A bad one is a dead letter.

        `ahead` is what udfs.looking_ahead made of it. What is raised is a failure of the state, and so of the job.
        """
        transaction: Transaction | None = None
        observation: Observation | None = None
        flags: dict[Flag, str] = {}
        untold: tuple[str, ...] = ()
        outputs: list[Output] = []
        try:
            if isinstance(ahead, BadRecord):
                raise ahead
            event = ahead if ahead is not None else decode_event(payload or b"", self.tally.unknown_codes)
            self._check(event, key, arrived_at_ms)
            if type(event) is Transaction:
                transaction = event
                observation = self.engine.observe(event)
                if observation is None:
                    self._waiting.append([self._duplicate(event)])
                    return
                flags = flags_of(self.config.decision, observation.context, observation.blocked)
        except (BadRecord, MissingRate, AmountOutOfRange) as error:
            count(self.tally.dead_letters, _REFUSALS[type(error)])
            self._waiting.append([self.dead_letter(payload, str(error), origin)])
            return
        except Exception as unexpected:
            self.engine.states.evict(key)
            self._waiting.append([self._unexpected(payload, unexpected, origin, "")])
            return
        try:
            if observation is not None:
                self.engine.commit(observation)
                if flags:
                    untold = self._tell_flags(observation.user, flags, observation.context.time_ms)
            else:
                outputs = self._record_other(event)
        except BaseException:
            self.engine.states.evict(key)
            raise
        if transaction is None or observation is None:
            self._waiting.append(outputs)
            return
        self._count_transaction(observation)
        self._waiting.append(Undecided(transaction, observation, origin, payload, flags, untold))
        if self.online is not None and not observation.entry.late:
            self.online.offer(transaction.user_id, observation.context.time_ms, observation.features)

    def flush(self) -> list[list[Output]]:
        """The outputs of each record that was taken since the last time, in their order."""
        waiting = self._waiting
        self._waiting = []
        undecided = [record for record in waiting if isinstance(record, Undecided)]
        decisions = iter(self._decide_all(undecided)) if undecided else iter(())
        return [next(decisions) if isinstance(record, Undecided) else record for record in waiting]

    def _decide_all(self, records: list[Undecided]) -> list[list[Output]]:
        try:
            predictions = self.ensemble.score_many([record.observation.features for record in records])
        except Exception as error:
            if len(records) == 1:
                return [[self._unexpected(records[0].payload, error, records[0].origin, LEARNED)]]
            return [outputs for record in records for outputs in self._decide_all([record])]
        return [self._decide(record, predictions[row], row) for row, record in enumerate(records)]

    def _decide(self, record: Undecided, prediction: Prediction, row: int) -> list[Output]:
        try:
            return self.decide(record, prediction, row)
        except Exception as error:
            return [self._unexpected(record.payload, error, record.origin, LEARNED)]

    def decide(self, record: Undecided, prediction: Prediction, row: int) -> list[Output]:
        """The decision on a transaction that was scored last as number `row`, with its alert or notice of flags."""
        config, transaction, observation = self.config, record.transaction, record.observation
        features, context = observation.features, observation.context
        inputs = self.population.inputs(transaction)
        rulebook = self.rulebook
        result = rulebook.evaluate(features, transaction, inputs)
        judgement = self.judge.judge(prediction, result, bool(observation.blocked))
        if result.hits or judgement.tags:
            self._count_judgement(result, judgement)
        reasons: list[Reason] = []
        summary: str | None = None
        if judgement.action != "allow":
            reasons, summary = self._explainer.reasons(record, judgement, prediction, result, inputs, row)
        elif record.flags:
            reasons = flag_reasons(record.flags)
        decision = Decision(
            decision_id(transaction.user_id, transaction.transaction_id),
            transaction.transaction_id,
            transaction.user_id,
            context.time_ms,
            transaction.amount,
            transaction.currency or config.base_currency,
            judgement.risk_score,
            judgement.probability,
            prediction.coverage,
            judgement.action,
            judgement.tags,
            list(record.flags),
            summary,
            reasons,
            ModelScore(self.bundle_version, prediction.probability, prediction.margin, prediction.anomaly),
            RuleScore(
                rulebook.version, result.score, result.points, [rule.id for rule in result.hits], judgement.rule_map
            ),
            context.status,
            observation.entry.late,
            context.stale_history,
            transaction.merchant_id,
            record.origin,
            self.control_versions,
            features if config.log_features else None,  # type: ignore[arg-type]  # NaN is null in JSON
        )
        outputs = [Output("decisions", transaction.user_id, _encode(decision), None, judgement.action)]
        if judgement.action != "allow" or record.flags:
            country = context.user.home_country if context.user else None
            if judgement.action != "allow" or config.decision.flag_alerts:
                outputs.append(alert_of(decision, country))
            elif record.untold:
                outputs.append(flag_notice_of(decision, record.untold, country))
        return outputs

    def use_rules(self, rulebook: Rulebook) -> None:
        """Decide by other rules from the next transaction on. Raises RuleMapError, and all stays as it was."""
        self._use(self.config, self.ensemble, rulebook)

    def use_thresholds(self, decision: DecisionSettings) -> None:
        """Decide by other thresholds from the next transaction on."""
        self._use(msgspec.structs.replace(self.config, decision=decision), self.ensemble, self.rulebook)

    def use_bundle(self, bundle: Bundle) -> None:
        """Score with another bundle from the next transaction on. Raises RuleMapError, and all stays as it was."""
        self._use(self.config, Ensemble(bundle), self.rulebook)

    def _use(self, config: ScorerConfig, ensemble: Ensemble, rulebook: Rulebook) -> None:
        judge = Judge(config.decision, ensemble.bundle.manifest.decision, rulebook.rule_set)
        explainer = Explainer(config, ensemble, judge.blend, rulebook)
        self.config, self.ensemble, self.rulebook = config, ensemble, rulebook
        self.judge, self._explainer = judge, explainer
        self.bundle_version = ensemble.bundle.manifest.version

    def close(self) -> None:
        """Publish what is waiting, stop threads, close connections."""
        if self.online is not None:
            self.online.close()
        self.engine.close()

    def dead_letter(self, payload: bytes | None, reason: str, origin: Origin) -> Output:
        """A record that is no event: raw bytes and headers, or one JSON object where the sink has no headers."""
        return dead_letter(payload, reason, origin, self._letters)

    def _unexpected(self, payload: bytes | None, error: Exception, origin: Origin, what_happened: str) -> Output:
        count(self.tally.dead_letters, "unexpected_error")
        _log.error("unexpected error while scoring a record of %s", origin, exc_info=error)
        return self.dead_letter(payload, f"unexpected error{what_happened}: {type(error).__name__}: {error}", origin)

    def _check(self, event: Event, key: str, arrived_at_ms: int | None) -> None:
        if event.user_id != key:
            raise BadRecord(f"user_id: {event.user_id!r} is not the key {key!r} that the record was routed by")
        config = self.config
        if arrived_at_ms is None:
            latest_ms = config.latest_timestamp_ms
            if latest_ms is None:
                return
        else:
            latest_ms = arrived_at_ms + config.future_tolerance_ms
        time_ms = event.known_at if isinstance(event, Label) else event.timestamp
        if time_ms > latest_ms:
            raise BadRecord(f"timestamp: {time_ms} lies in the future, {time_ms - latest_ms} ms past what is accepted")

    def _count_transaction(self, observation: Observation) -> None:
        tally, context = self.tally, observation.context
        tally.newest_event_ms = context.time_ms
        if observation.entry.late:
            tally.late += 1
        if context.status != "ok":
            count(tally.enrichment, context.status)

    def _count_judgement(self, result: RuleResult, judgement: Judgement) -> None:
        tally = self.tally
        for rule in result.hits:
            count(tally.rule_hits, rule.id)
        for tag in judgement.tags:
            count(tally.tags, tag)

    def _duplicate(self, transaction: Transaction) -> Output:
        duplicate = Duplicate(
            decision_id=decision_id(transaction.user_id, transaction.transaction_id),
            transaction_id=transaction.transaction_id,
            user_id=transaction.user_id,
            event_time_ms=transaction.timestamp,
        )
        return Output("decisions", transaction.user_id, _encode(duplicate))

    def _record_other(self, event: Event) -> list[Output]:
        """Logins, account changes and labels update the user's state; a change by nobody raises an alert."""
        engine = self.engine
        if isinstance(event, Login):
            engine.record_login(event)
        elif isinstance(event, Label):
            engine.record_label(event)
        elif isinstance(event, AccountChange) and engine.record_change(event) and needs_audit(event.audit_user):
            if self.config.decision.flag_alerts:
                return [audit_alert_of(event)]
            user = engine.states.get(event.user_id)
            if self._tell_flags(user, (AUDIT,), event.timestamp):
                return [audit_notice_of(event)]
        return []

    def _tell_flags(self, user: User, kinds: Iterable[str], time_ms: int) -> tuple[str, ...]:
        """Those of the flags that are to be told, as the user has not had them on that day; the state learns them."""
        if self.config.decision.flag_alerts:
            return ()
        day = time_ms // DAY_MS
        untold = untold_flags(user.flag_days, kinds, day)
        if untold:
            self.engine.states.record(user, FlagEntry(user.sequence + 1, day, untold))
        return untold
