"""From one event and the user's state to features: what serving, replay and training share, without a model.

`observe` looks and computes, `commit` writes. Between the two nothing is stored yet: on any error the caller evicts
the user, and the event has not happened.
"""

from __future__ import annotations

from collections.abc import Sequence

from udfs.block_list import BlockList
from udfs.entity_buckets import KINDS, BucketSettings, EntityKind
from udfs.entity_history import EntityHistory, empty_history
from udfs.entity_risk import EntityRisk
from udfs.entries import AccountEntry, LabelEntry, LogEntry, LoginEntry, TransactionEntry, ZoneEntry
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.features.catalogue import compute_features
from udfs.features.context import Context
from udfs.features.time_of_day import is_night
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.observation import Observation
from udfs.stores.port import DEVICE, DOMAIN, HISTORY, IP, MERCHANT, USER, Enrichment
from udfs.user_state import CHANGE_MARK, LOGIN_MARK, User, UserStates

MERCHANT_HISTORY, DEVICE_HISTORY = HISTORY["merchant"], HISTORY["device"]
BENEFICIARY_HISTORY, IP_HISTORY = HISTORY["beneficiary"], HISTORY["ip"]
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
    ) -> None:
        self.states = states
        self.money = money
        self.block_list = block_list
        self.enrichment = enrichment
        self._local_time = local_time
        self._windows = states.windows
        self._lateness_ms = states.settings.windows.lateness_ms
        self._no_history = {kind: empty_history(buckets, kind) for kind in KINDS}

    def read_ahead(self, transactions: Sequence[Transaction]) -> None:
        """Ask the stores at once for what `observe` will ask for of each of many transactions."""
        keys: list[str] = []
        for transaction in transactions:
            keys += _keys_of(transaction)
        self.enrichment.read_ahead(keys)

    def observe(self, transaction: Transaction) -> Observation | None:
        """Features of a transaction, or None if it is a duplicate. Raises MissingRate for a currency without rate."""
        states, windows = self.states, self._windows
        user = states.get(transaction.user_id)
        time_ms = transaction.timestamp
        if states.seen(user, transaction.transaction_id, time_ms):
            return None
        context = Context()
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
        context.transaction = transaction
        context.time_ms = time_ms
        context.minor = minor
        context.scale = money.scale
        context.amount = minor / money.scale
        context.place_country = entry.country
        context.device_listed = bool(blocked) and any(hit.type == "device" for hit in blocked)
        context.windows = windows
        context.recent = recent
        context.baseline = states.baseline
        context.habits = user.habits
        context.account_log = states.account_log
        context.account = user.account
        context.previous = windows.last_before(recent, time_ms, newest_ms)
        if entry.late:
            context.five_minutes = context.hour = context.day = None
        else:
            windows.add(recent, entry)
            context.five_minutes, context.hour, context.day = windows.ending_at(recent, time_ms)
        zone = ZoneEntry(sequence + 1, timezone) if timezone != user.timezone else None
        return Observation(user, entry, context, compute_features(context), blocked, zone)

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
        """One look-up for everything that is known of the transaction's parties."""
        context.merchant = context.device = context.ip = context.domain = None
        context.merchant_risk = context.device_risk = context.beneficiary_risk = context.ip_risk = None
        context.stale_history = False
        # The values come in the order of the keys, and a key's prefix tells its type.
        values, context.status = self.enrichment.lookup(_keys_of(transaction))
        time_ms = transaction.timestamp
        context.user = values[0]
        if transaction.email_domain is not None:
            context.domain = values.pop()
        if transaction.ip_address is not None:
            context.ip_risk = self._risk(context, "ip", values.pop(), time_ms)
            context.ip = values.pop()
        if transaction.beneficiary_id is not None:
            context.beneficiary_risk = self._risk(context, "beneficiary", values.pop(), time_ms)
        if transaction.device_id is not None:
            context.device_risk = self._risk(context, "device", values.pop(), time_ms)
            context.device = values.pop()
        if transaction.merchant_id is not None:
            context.merchant = values[1]
            context.merchant_risk = self._risk(context, "merchant", values[2], time_ms)

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


def _keys_of(transaction: Transaction) -> list[str]:
    """The store's keys of a transaction's parties, those of merchants first and of domains last."""
    merchant_id, device_id = transaction.merchant_id, transaction.device_id
    ip_address, email_domain = transaction.ip_address, transaction.email_domain
    beneficiary_id = transaction.beneficiary_id
    keys = [USER + transaction.user_id]
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
    return keys
