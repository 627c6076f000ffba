"""Re-derives one decision from the log, by the job's scorer, and compares it with what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isfinite, isnan
from typing import Any

import msgspec

from models.condition_parts import Inputs, Part, parts_of
from models.user_shard import routing_key
from udfs.core._native import decision_id
from udfs.records.codec import BadRecord, decode_event
from udfs.records.events import AccountChange, Event, Login, Transaction
from udfs.records.logged_features import FeatureSets, LoggedFeatures, features_of
from udfs.records.outputs import DeadLetter, Decision, Duplicate, Origin
from udfs.rules.errors import RuleError
from udfs.rules.expressions import parse_condition, windows_in
from udfs.rules.rule_set import Rule
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.values.time_units import DAY_MS, HOUR_MS, MINUTE_MS

WINDOWS = (("5 minutes", 5 * MINUTE_MS), ("1 hour", HOUR_MS), ("1 day", DAY_MS))
COMPARED = (
    "amount", "currency", "risk_score", "probability", "coverage", "action", "tags", "flags", "enrichment", "late",
    "stale_history", "summary",
)  # fmt: skip
_PARTS = {
    "model": ("bundle", "probability", "xgboost", "anomaly"),
    "rules": ("version", "score", "points", "hits", "map", "lists"),
}


class ReplayError(ValueError):
    """The decision cannot be re-derived; the message is one line with the cause."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the user up to the transaction (`is_this`). `amount`: of a transaction, in its currency."""

    kind: str
    event_id: str
    at_ms: int
    amount: float | None = None
    currency: str | None = None
    is_this: bool = False


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that hit now or then. `recorded`: whether it hit then; None where no decision was recorded."""

    rule: Rule
    hit: bool
    recorded: bool | None
    parts: list[Part]


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A re-derived decision. `features` by name, NaN where not known."""

    decision: Decision
    event: Transaction
    features: dict[str, float]
    moments: list[Moment]
    rules: list[Rule]
    inputs: Inputs

    def views(self, recorded_hits: Sequence[str] | None, all_rules: bool = False) -> list[RuleView]:
        """The rules that hit now or then, or all that are enabled, in the order of their file."""
        hits = set(self.decision.rules.hits)
        found = []
        for rule in self.rules:
            then = None if recorded_hits is None else rule.id in recorded_hits
            if (rule.id in hits or then or all_rules) and rule.enabled:
                try:
                    parts = parts_of(rule.when, self.inputs)
                except RuleError:
                    parts = []
                found.append(RuleView(rule=rule, hit=rule.id in hits, recorded=then, parts=parts))
        return found


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that differs. `name` like `rules.points` or `features.amount`; None is not known, or not there."""

    name: str
    recorded: Any
    derived: Any


Lines = Callable[[], Iterable[bytes]]
"""Reads the log from its beginning."""


def user_lines(log: Lines, transaction_id: str, user_id: str | None = None) -> tuple[str, list[bytes]]:
    """The user of a transaction, and their records up to it, in order of arrival. Reads the log twice.

    Raises ReplayError if it is not in the log, or is of several users and none is named.
    """
    owners = (routing_key(line) for line in _having(log, transaction_id) if _transaction_id(line) == transaction_id)
    users = {owner for owner in owners if user_id in (None, owner)}
    if not users:
        of = "" if user_id is None else f" of user {user_id}"
        raise ReplayError(f"transaction {transaction_id}{of} is not in the log")
    if len(users) > 1:
        raise ReplayError(
            f"transaction {transaction_id} is of {len(users)} users ({', '.join(sorted(users)[:5])}): give --user"
        )
    (user,) = users
    kept: list[bytes] = []
    for line in _having(log, user):
        if routing_key(line) == user:
            kept.append(line)
            if _transaction_id(line) == transaction_id:
                break
    return user, kept


def _having(log: Lines, text: str) -> Iterable[bytes]:
    """The lines with a text, which is an id: all lines if none has it as it is, since JSON can spell it in other ways."""
    wanted, found = text.encode(), False
    for line in log():
        if wanted in line:
            found = True
            yield line
    if not found:
        yield from log()


def rederive(
    lines: Sequence[bytes],
    user_id: str,
    config: ScorerConfig,
    paths: ScorerPaths,
    source: str,
    prepare: Callable[[Scorer], None] = lambda scorer: None,
    arrived_at_ms: int | None = None,
) -> Derived:
    """Replay a user's records, the last of which is the transaction. `prepare`: puts control elements in force before.

    Raises ReplayError if it becomes no decision, and OPENING_ERRORS.
    """
    logs = MemoryUserLogs()
    scorer = open_scorer(msgspec.structs.replace(config, log_features="names"), paths, logs)
    try:
        prepare(scorer)
        outputs = []
        for line in lines:
            logs.set_current_key(user_id)
            outputs = scorer.process(line, user_id, arrived_at_ms, Origin(source))
        record = outputs[0].record if outputs else None
        if isinstance(record, Duplicate):
            raise ReplayError(f"the record is a repetition: {record.decision_id} was decided before it")
        if isinstance(record, DeadLetter):
            raise ReplayError(f"the record becomes a dead letter: {record.reason}")
        if not isinstance(record, Decision) or record.features is None:
            raise ReplayError("the record becomes no decision")
        event = decode_event(lines[-1])
        assert isinstance(event, Transaction)
        names = scorer.engine.features.names
        values = tuple(record.features[name] if record.features[name] is not None else float("nan") for name in names)
        population = dict(scorer.population.core.at(event.timestamp, event.city)) | _windows(scorer, event)
        return Derived(
            decision=record,
            event=event,
            features=dict(zip(names, values, strict=True)),  # type: ignore[arg-type]  # not None
            moments=moments_of(lines, event),
            rules=list(scorer.rulebook.rule_set.rules),
            inputs=Inputs(tuple(names), values, event, population, scorer.rulebook.lists),  # type: ignore[arg-type]  # not None
        )
    finally:
        scorer.close()


def _windows(scorer: Scorer, event: Transaction) -> dict[str, float]:
    """The windows that the rules' conditions read, by name, of the transaction that was scored last; NaN where unknown."""
    features, lists = scorer.engine.features.names, scorer.rulebook.lists
    rules = (rule for rule in scorer.rulebook.rule_set.rules if rule.event == "transaction")
    trees = (parse_condition(rule.when, features, lists) for rule in rules)
    names = sorted({window.name for tree in trees for window in windows_in(tree)})
    values = scorer.engine.core.windows(event.user_id, event.timestamp, names)
    return dict(zip(names, values, strict=True))


def moments_of(lines: Iterable[bytes], event: Transaction) -> list[Moment]:
    """The user's events of the widest window before the transaction, and itself, by event time; each id once."""
    found: dict[tuple[str, str], Moment] = {}
    for line in lines:
        try:
            one = decode_event(line)
        except BadRecord:
            continue
        moment = _moment(one)
        if moment is None or not event.timestamp - WINDOWS[-1][1] < moment.at_ms <= event.timestamp:
            continue
        is_this = moment.kind == "transaction" and moment.event_id == event.transaction_id
        found.setdefault((moment.kind, moment.event_id), msgspec.structs.replace(moment, is_this=is_this))
    return sorted(found.values(), key=lambda moment: moment.at_ms)


def differences(recorded: Decision, derived: Decision, feature_sets: FeatureSets) -> list[Difference]:
    """Every value of the decision that differs; numbers by equality. Raises FeaturesError for packed features of an unknown
    feature set."""
    found = [
        Difference(name=name, recorded=getattr(recorded, name), derived=getattr(derived, name))
        for name in COMPARED
        if _plain(getattr(recorded, name)) != _plain(getattr(derived, name))
    ]
    for section, names in _PARTS.items():
        then, now = getattr(recorded, section), getattr(derived, section)
        found += [
            Difference(name=f"{section}.{name}", recorded=_told(getattr(then, name)), derived=_told(getattr(now, name)))
            for name in names
            if _plain(getattr(then, name)) != _plain(getattr(now, name))
        ]
    if recorded.control_versions != derived.control_versions:
        found.append(
            Difference(name="control_versions", recorded=recorded.control_versions, derived=derived.control_versions)
        )
    texts = [[reason.text for reason in one.reasons] for one in (recorded, derived)]
    if texts[0] != texts[1]:
        found.append(Difference(name="reasons", recorded=texts[0], derived=texts[1]))
    return found + _feature_differences(recorded, derived, feature_sets)


def recorded_features(decision: Decision, feature_sets: FeatureSets) -> dict[str, float] | None:
    """The features of a decision in either form; None if it has none. Raises FeaturesError."""
    packed = decision.features_packed
    if decision.features is None and not isinstance(packed, bytes):
        return None
    feature_set = decision.feature_set
    return features_of(
        LoggedFeatures(
            features=decision.features,
            feature_set=feature_set if isinstance(feature_set, str) else None,
            features_packed=packed if isinstance(packed, bytes) else None,
        ),
        feature_sets,
    )


def id_of(user_id: str, transaction_id: str) -> str:
    """The id of the decision on a transaction."""
    return decision_id(user_id, transaction_id)


def _feature_differences(recorded: Decision, derived: Decision, feature_sets: FeatureSets) -> list[Difference]:
    then = recorded_features(recorded, feature_sets)
    if then is None:
        return []
    now = derived.features or {}
    return [
        Difference(name=f"features.{name}", recorded=_plain(then.get(name)), derived=_plain(now.get(name)))
        for name in dict.fromkeys([*then, *now])
        if (name in then) != (name in now) or _plain(then.get(name)) != _plain(now.get(name))
    ]


def _told(value: Any) -> Any:
    """None for what is absent."""
    return None if value is msgspec.UNSET else value


def _plain(value: Any) -> Any:
    """None for NaN and what is infinite, which decisions do not tell apart; tuples as lists."""
    if isinstance(value, float):
        return value if isfinite(value) and not isnan(value) else None
    return list(value) if isinstance(value, tuple) else value


def _moment(event: Event) -> Moment | None:
    if isinstance(event, Transaction):
        return Moment(
            kind="transaction", event_id=event.transaction_id, at_ms=event.timestamp, amount=event.amount,
            currency=event.currency,
        )  # fmt: skip
    if isinstance(event, Login):
        return Moment(kind="login", event_id=event.event_id, at_ms=event.timestamp)
    if isinstance(event, AccountChange):
        return Moment(kind="account_change", event_id=event.event_id, at_ms=event.timestamp)
    return None


class _Transaction(msgspec.Struct):
    transaction_id: str | int = ""
    type: str = "transaction"


_decode_transaction = msgspec.json.Decoder(_Transaction).decode


def _transaction_id(line: bytes) -> str | None:
    try:
        found = _decode_transaction(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return str(found.transaction_id) if found.type == "transaction" else None
