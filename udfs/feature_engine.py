"""From one event and the user's state to features: what serving, replay and training share, without a model.

`observe` looks and computes, `commit` writes. Between the two nothing is stored yet: on any error the caller evicts
the user, and the event has not happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from udfs.attributes import Attribute
from udfs.block_list import BlockList
from udfs.broad_risks import BroadFigures, BroadRisks
from udfs.entities import attribute_id, broad_ids
from udfs.entity_buckets import BROAD_KINDS, KINDS, BucketSettings, EntityKind
from udfs.entity_history import EntityHistory, empty_history
from udfs.entity_risk import EntityRisk
from udfs.entries import AccountEntry, LabelEntry, LogEntry, LoginEntry, TransactionEntry, ZoneEntry
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.features.context import Context
from udfs.features.feature_set import FeatureSet, feature_set_of
from udfs.features.time_of_day import is_night
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.observation import Observation
from udfs.stores.port import DEVICE, DOMAIN, HISTORY, IP, MERCHANT, USER, Enrichment
from udfs.time_units import DAY_MS
from udfs.user_state import CHANGE_MARK, LOGIN_MARK, User, UserStates

MERCHANT_HISTORY, DEVICE_HISTORY = HISTORY["merchant"], HISTORY["device"]
BENEFICIARY_HISTORY, IP_HISTORY = HISTORY["beneficiary"], HISTORY["ip"]
BROAD_HISTORY = tuple(HISTORY[kind] for kind in BROAD_KINDS)
ATTRIBUTE = BROAD_KINDS.index("attribute")
ATTRIBUTE_HISTORY = HISTORY["attribute"]
MOST_KNOWN = 20_000  # ids of a kind within an hour, whatever is sent
BLOCKED_STATUSES = frozenset({"blocked", "frozen", "locked", "suspended"})


class FeatureEngine:
    """Keyed state, stores and money in; features out. One instance an operator."""

    def __init__(
        self,
        states: UserStates,
        enrichment: Enrichment,
        block_list: BlockList,
        money: Money,
        local_time: LocalTime,
        buckets: BucketSettings,
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        self.features: FeatureSet = feature_set_of(attributes)
        self.states = states
        self.money = money
        self.block_list = block_list
        self.enrichment = enrichment
        self._local_time = local_time
        self._windows = states.windows
        self._lateness_ms = states.settings.windows.lateness_ms
        self._no_history = {kind: empty_history(buckets, kind) for kind in KINDS}
        self._broad_risks = BroadRisks(buckets)
        self._text_attributes = tuple(attribute for attribute in attributes if attribute.kind == "text")

    def read_ahead(self, transactions: Sequence[Transaction]) -> None:
        """Ask the stores at once for what `observe` will ask for of each of many transactions."""
        keys: list[str] = []
        for transaction in transactions:
            known = self._broad_risks.at(transaction.timestamp)
            keys += _keys_of(transaction, broad_ids(transaction), self._text_attributes, known)
        self.enrichment.read_ahead(keys)

    def observe(self, transaction: Transaction) -> Observation | None:
        """Features of a transaction, or None if it is a duplicate. Raises MissingRate for a currency without rate."""
        states, windows = self.states, self._windows
        user = states.get(transaction.user_id)
        time_ms = transaction.timestamp
        if states.seen(user, transaction.transaction_id, time_ms):
            return None
        context = Context()
        context.transaction = transaction
        self._enrich(context, transaction)
        money = self.money
        minor = money.base_minor(transaction.amount, transaction.currency, time_ms)
        timezone, sequence = _timezone(context, user), user.sequence + 1
        context.local_hour, context.local_weekday = self._local_time.hour_and_weekday(time_ms, timezone)
        newest_ms = max(user.newest_ms, time_ms)
        recent = user.recent
        earlier = recent.entries[-1] if recent.entries else recent.before
        merchant_id, category = transaction.merchant_id, transaction.merchant_category
        device_id, ip_address = transaction.device_id, transaction.ip_address
        country = transaction.country if transaction.country is not None else transaction.merchant_country
        city = transaction.city
        if earlier is not None:
            merchant_id, category = _kept(earlier.merchant_id, merchant_id), _kept(earlier.category, category)
            device_id, ip_address = _kept(earlier.device_id, device_id), _kept(earlier.ip_address, ip_address)
            country, city = _kept(earlier.country, country), _kept(earlier.city, city)
        entry = TransactionEntry(
            sequence,
            transaction.transaction_id,
            time_ms,
            newest_ms,
            newest_ms - time_ms > self._lateness_ms,
            minor,
            transaction.kind != "purchase",
            transaction.auth_result == "declined",
            is_night(context.local_hour),
            merchant_id,
            category,
            device_id,
            country,
            city,
            ip_address,
            transaction.beneficiary_id,
            transaction.latitude,
            transaction.longitude,
        )
        blocked = self.block_list.hits(transaction)
        context.time_ms = time_ms
        context.minor = minor
        context.scale = money.scale
        context.amount = minor / money.scale
        context.place_country = entry.country
        context.device_listed = bool(blocked) and any(hit.type == "device" for hit in blocked)
        context.windows = windows
        context.recent = recent
        context.habits = user.habits
        context.account_log = states.account_log
        context.account = user.account
        context.previous = windows.last_before(recent, time_ms, newest_ms)
        if entry.late:
            context.five_minutes = context.hour = context.day = None
            context.week = context.month = None
        else:
            context.week, context.month = states.baseline.days_until(user.habits, time_ms // DAY_MS)
            windows.add(recent, entry)
            context.five_minutes, context.hour, context.day = windows.ending_at(recent, time_ms)
        zone = ZoneEntry(sequence + 1, timezone) if timezone != user.timezone else None
        return Observation(user, entry, context, self.features.compute(context), blocked, zone)

    def commit(self, observation: Observation) -> None:
        """Write an observed transaction to the user's state."""
        self.states.record(observation.user, observation.entry)
        if observation.zone is not None:
            self.states.record(observation.user, observation.zone)

    def close(self) -> None:
        """Let go of the stores."""
        self.enrichment.close()

    def record_login(self, login: Login) -> None:
        """Learn a login attempt; a repeated event id changes nothing."""
        user = self._user_unless_seen(login, LOGIN_MARK)
        if user is not None:
            newest_ms = max(user.newest_ms, login.timestamp)
            entry: LogEntry = LoginEntry(
                user.sequence + 1,
                login.event_id,
                login.timestamp,
                newest_ms,
                login.success,
                login.device_id,
                login.city,
            )
            self.states.record(user, entry)

    def record_change(self, change: AccountChange) -> bool:
        """Learn a change of the account's status; False if the event id is a repeated one."""
        user = self._user_unless_seen(change, CHANGE_MARK)
        if user is None:
            return False
        newest_ms = max(user.newest_ms, change.timestamp)
        was_blocked = (change.old_status or "").lower() in BLOCKED_STATUSES
        is_blocked = (change.new_status or "").lower() in BLOCKED_STATUSES
        unblocked = was_blocked and change.new_status is not None and not is_blocked
        self.states.record(
            user, AccountEntry(user.sequence + 1, change.event_id, change.timestamp, newest_ms, unblocked)
        )
        return True

    def record_label(self, label: Label) -> None:
        """Learn what one of the user's transactions turned out to be; repeating a label changes nothing."""
        user = self.states.get(label.user_id)
        entry = LabelEntry(user.sequence + 1, label.transaction_id, label.known_at, label.is_fraud)
        self.states.record(user, entry)

    def _user_unless_seen(self, event: Login | AccountChange, mark: str) -> User | None:
        user = self.states.get(event.user_id)
        return None if self.states.seen(user, mark + event.event_id, event.timestamp) else user

    def _enrich(self, context: Context, transaction: Transaction) -> None:
        """One look-up for everything that is known of the transaction's parties, in the order of `_keys_of`."""
        context.merchant = context.device = context.ip = context.domain = None
        context.merchant_risk = context.device_risk = context.beneficiary_risk = context.ip_risk = None
        context.stale_history = False
        time_ms = transaction.timestamp
        known = self._broad_risks.at(time_ms)
        ids = broad_ids(transaction)
        texts = self._text_attributes
        keys = _keys_of(transaction, ids, texts, known)
        values, context.status = self.enrichment.lookup(keys)
        context.user = values[0]
        context.received = None if values[1] is None else self._risk(context, "beneficiary", values[1], time_ms)
        at = 2
        if transaction.merchant_id is not None:
            context.merchant = values[at]
            context.merchant_risk = self._risk(context, "merchant", values[at + 1], time_ms)
            at += 2
        if transaction.device_id is not None:
            context.device = values[at]
            context.device_risk = self._risk(context, "device", values[at + 1], time_ms)
            at += 2
        if transaction.beneficiary_id is not None:
            context.beneficiary_risk = self._risk(context, "beneficiary", values[at], time_ms)
            at += 1
        if transaction.ip_address is not None:
            context.ip = values[at]
            context.ip_risk = self._risk(context, "ip", values[at + 1], time_ms)
            at += 2
        if transaction.email_domain is not None:
            context.domain = values[at]
            at += 1
        categories: list[BroadFigures | None] = []
        for number, entity_id in enumerate(ids):
            figures: BroadFigures | None = None
            if entity_id is not None:
                if known is not None:
                    figures = known[number].get(entity_id)
                if figures is None:
                    figures = self._figures(context, number, entity_id, values[at], known)
                    at += 1
            categories.append(figures)
        context.categories = categories
        if texts:
            self._enrich_attributes(context, known, values, at)
        else:
            context.attributes = []

    def _enrich_attributes(
        self, context: Context, known: list[dict[str, BroadFigures]] | None, values: list[Any], at: int
    ) -> None:
        """Those of the event came with the look-up; the profile, which came with it too, names its own."""
        transaction: Transaction = context.transaction
        found: list[BroadFigures | None] = []
        for attribute in self._text_attributes:
            entity_id = attribute_id(attribute, transaction, context.user)
            figures = None
            if entity_id is not None:
                if known is not None:
                    figures = known[ATTRIBUTE].get(entity_id)
                if figures is None:
                    if attribute.holder == "event":
                        record = values[at]
                        at += 1
                    else:
                        own, status = self.enrichment.lookup([ATTRIBUTE_HISTORY + entity_id])
                        record = own[0]
                        if context.status == "ok":
                            context.status = status
                    figures = self._figures(context, ATTRIBUTE, entity_id, record, known)
            found.append(figures)
        context.attributes = found

    def _figures(
        self,
        context: Context,
        number: int,
        entity_id: str,
        record: EntityHistory | None,
        known: list[dict[str, BroadFigures]] | None,
    ) -> BroadFigures | None:
        """Those of a category of kind `number`; kept for the hour if they are final."""
        risk = self._risk(context, BROAD_KINDS[number], record, context.transaction.timestamp)
        if risk is None:
            return None
        figures = BroadFigures(risk)
        if known is not None and not risk.stale and context.status == "ok" and len(known[number]) < MOST_KNOWN:
            known[number][entity_id] = figures
        return figures

    def _risk(
        self, context: Context, kind: EntityKind, history: EntityHistory | None, time_ms: int
    ) -> EntityRisk | None:
        """As of the transaction. A complete store without buckets of an entity knows that nothing happened there yet."""
        if history is None:
            enrichment = self.enrichment
            if not enrichment.holds_histories or context.status == "degraded":
                return None
            history = self._no_history[kind]
            history.complete_through_ms = enrichment.complete_through_ms
        risk = history.as_of(time_ms)
        if risk.stale:
            context.stale_history = True
        return risk


def _kept(earlier: str | None, text: str | None) -> str | None:
    """The text that is kept already, where it is the same one: a user's transactions share most of theirs."""
    return earlier if earlier == text else text


def _timezone(context: Context, user: User) -> str | None:
    """The profile's, or the last one that was known while the store does not answer: what is learned stays exact."""
    profile = context.user
    if profile is not None:
        return profile.timezone
    return user.timezone if context.status == "degraded" else None


def _keys_of(
    transaction: Transaction,
    ids: list[str | None],
    text_attributes: tuple[Attribute, ...],
    known: list[dict[str, BroadFigures]] | None,
) -> list[str]:
    """The store's keys of what is not known of a transaction; `FeatureEngine._enrich` takes the values in this order."""
    user_id = transaction.user_id
    merchant_id, device_id = transaction.merchant_id, transaction.device_id
    ip_address, email_domain = transaction.ip_address, transaction.email_domain
    beneficiary_id = transaction.beneficiary_id
    keys = [USER + user_id, BENEFICIARY_HISTORY + user_id]
    if merchant_id is not None:
        keys += (MERCHANT + merchant_id, MERCHANT_HISTORY + merchant_id)
    if device_id is not None:
        keys += (DEVICE + device_id, DEVICE_HISTORY + device_id)
    if beneficiary_id is not None:
        keys.append(BENEFICIARY_HISTORY + beneficiary_id)
    if ip_address is not None:
        keys += (IP + ip_address, IP_HISTORY + ip_address)
    if email_domain is not None:
        keys.append(DOMAIN + email_domain)
    for number, entity_id in enumerate(ids):
        if entity_id is not None and (known is None or entity_id not in known[number]):
            keys.append(BROAD_HISTORY[number] + entity_id)
    for attribute in text_attributes:
        if attribute.holder == "event":
            entity_id = attribute_id(attribute, transaction, None)
            if entity_id is not None and (known is None or entity_id not in known[ATTRIBUTE]):
                keys.append(ATTRIBUTE_HISTORY + entity_id)
    return keys
