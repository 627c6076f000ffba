"""From one record to its outputs: the room every reader should find first.

    take:   bytes -> event -> user state and windows -> enrichment -> features -> state written
    flush:  ensemble for all that were taken -> rules -> decision -> bytes

`take` computes first and writes the state last. An error before that forgets the decoded user, so that the record has
not happened; it leaves as a dead letter. What is taken is decided by the next `flush`, which whoever saves the state
has to call before: many at once cost a model less than one at a time, and no decision depends on its company.
"""

from __future__ import annotations

import hashlib
import logging

import msgspec

from udfs.bundle import Bundle
from udfs.codec import BadRecord, decode_event
from udfs.dead_letter import LetterForm, dead_letter
from udfs.decision import action_for, at_least, model_score
from udfs.decision_settings import DecisionSettings
from udfs.ensemble import Ensemble, Prediction
from udfs.events import AccountChange, Event, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine
from udfs.flags import flag_reasons, flags_of, needs_audit
from udfs.money import AmountOutOfRange, MissingRate
from udfs.observation import Observation
from udfs.outputs import (
    Alert,
    Decision,
    Duplicate,
    ModelScore,
    Origin,
    Output,
    Reason,
    RuleScore,
)
from udfs.reasons import block_list_reasons, model_reasons, rule_reasons, strongest
from udfs.rules.population import Population
from udfs.rules.rulebook import Rulebook
from udfs.scorer_config import ScorerConfig
from udfs.stores.publisher import OnlineFeaturePublisher
from udfs.tally import DeadLetterKind, Tally, count
from udfs.undecided import Undecided

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
LEARNED = " after the user's state has learned the transaction, so that it is a duplicate if it is sent again"
_REFUSALS: dict[type[Exception], DeadLetterKind] = {
    BadRecord: "bad_record",
    MissingRate: "missing_rate",
    AmountOutOfRange: "amount_out_of_range",
}


def decision_id(user_id: str, transaction_id: str) -> str:
    """The same for every copy of a transaction: 128 bits of BLAKE2b over user and transaction, in hex."""
    return hashlib.blake2b(f"{user_id}\0{transaction_id}".encode(), digest_size=16).hexdigest()


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
        outputs: list[Output] = []
        try:
            if isinstance(ahead, BadRecord):
                raise ahead
            event = ahead if ahead is not None else decode_event(payload or b"")
            self._check(event, key, arrived_at_ms)
            if type(event) is Transaction:
                transaction = event
                observation = self.engine.observe(event)
                if observation is None:
                    self._waiting.append([self._duplicate(event)])
                    return
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
            else:
                outputs = self._record_other(event)
        except BaseException:
            self.engine.states.evict(key)
            raise
        if transaction is None or observation is None:
            self._waiting.append(outputs)
            return
        self._count_transaction(observation)
        self._waiting.append(Undecided(transaction, observation, origin, payload))
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
            return self.decide(record.transaction, record.observation, prediction, row, record.origin)
        except Exception as error:
            return [self._unexpected(record.payload, error, record.origin, LEARNED)]

    def decide(
        self,
        transaction: Transaction,
        observation: Observation,
        prediction: Prediction,
        row: int,
        origin: Origin | None,
    ) -> list[Output]:
        """The decision on an observed transaction that was scored last as number `row`, and its alert if it needs one."""
        config, features, context = self.config, observation.features, observation.context
        inputs = self.population.inputs(transaction)
        rulebook = self.rulebook
        result = rulebook.evaluate(features, transaction, inputs)
        from_model = model_score(prediction.probability)
        risk_score = max(from_model, result.score)
        action = action_for(config.decision, risk_score)
        for rule in result.hits:
            action = at_least(action, rule.action)
            count(self.tally.rule_hits, rule.id)
        if observation.blocked:
            action = at_least(action, config.decision.block_list_action)
        raised = flags_of(config.decision, context, observation.blocked)
        flags = list(raised)
        alerting = action != "allow" or bool(flags)
        reasons: list[Reason] = []
        if alerting:
            texts = rulebook.reasons(result, features, transaction, inputs)
            reasons = block_list_reasons(observation.blocked)
            reasons += rule_reasons(result.hits, texts, result.points, result.score)
            if from_model and action != "allow":
                explained = self.ensemble.explain(config.reasons_per_alert, row)
                reasons += model_reasons(explained, features, from_model)
            reasons = strongest(reasons, max(0, config.reasons_per_alert - len(raised))) + flag_reasons(raised)
        identity = decision_id(transaction.user_id, transaction.transaction_id)
        currency = transaction.currency or config.base_currency
        decision = Decision(
            identity,
            transaction.transaction_id,
            transaction.user_id,
            context.time_ms,
            transaction.amount,
            currency,
            risk_score,
            action,
            flags,
            reasons,
            ModelScore(self.bundle_version, prediction.probability, prediction.margin, prediction.anomaly),
            RuleScore(rulebook.version, result.score, result.points, [rule.id for rule in result.hits]),
            context.status,
            observation.entry.late,
            context.stale_history,
            transaction.merchant_id,
            origin,
            self.control_versions,
            features if config.log_features else None,  # type: ignore[arg-type]  # NaN is null in JSON
        )
        outputs = [Output("decisions", transaction.user_id, _encode(decision), None, action)]
        if alerting:
            outputs.append(
                _alert_output(
                    Alert(
                        alert_id=identity,
                        user_id=transaction.user_id,
                        event_time_ms=context.time_ms,
                        action=action,
                        risk_score=risk_score,
                        flags=flags,
                        reasons=[reason.text for reason in reasons],
                        transaction_id=transaction.transaction_id,
                        amount=transaction.amount,
                        currency=currency,
                        merchant_id=transaction.merchant_id,
                        user_country=context.user.home_country if context.user else None,
                    )
                )
            )
        return outputs

    def use_rules(self, rulebook: Rulebook) -> None:
        """Decide by other rules from the next transaction on."""
        self.rulebook = rulebook

    def use_thresholds(self, decision: DecisionSettings) -> None:
        """Decide by other thresholds from the next transaction on."""
        self.config = msgspec.structs.replace(self.config, decision=decision)

    def use_bundle(self, bundle: Bundle) -> None:
        """Score with another bundle from the next transaction on."""
        self.ensemble = Ensemble(bundle)
        self.bundle_version = bundle.manifest.version

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
            return [_audit_alert(event)]
        return []


def _audit_alert(change: AccountChange) -> Output:
    who = change.audit_user or "nobody"
    return _alert_output(
        Alert(
            alert_id=decision_id(change.user_id, f"\0{change.event_id}"),
            user_id=change.user_id,
            event_time_ms=change.timestamp,
            action="allow",
            risk_score=0,
            flags=["AUDIT"],
            reasons=[f"account status changed from {change.old_status} to {change.new_status} by {who}"],
            event_id=change.event_id,
        )
    )


def _alert_output(alert: Alert) -> Output:
    return Output("alerts", alert.user_id, _encode(alert), None, alert.action)
