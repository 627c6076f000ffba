"""Decoded users, cached in front of the keyed state.

The state is complete after every event (an entry is appended with each, the snapshot is only rewritten now and then
and the log's tail is folded into it on a cold load), so that dropping a cached user costs time and nothing else.
"""

from __future__ import annotations

from itertools import takewhile

from udfs.account_history import AccountHistory, AccountLog
from udfs.baseline import Baseline, Habits
from udfs.entries import (
    AccountEntry,
    FlagEntry,
    LogEntry,
    LoginEntry,
    TransactionEntry,
    ZoneEntry,
    decode_entry,
    encode_entry,
)
from udfs.flag_days import FlagDays, learn_flags
from udfs.snapshot import decode_snapshot, encode_snapshot
from udfs.user_log import UserLog
from udfs.user_state_settings import AccountSettings, UserStateSettings
from udfs.windows import RecentTransactions, SlidingWindows

FORGET_EVERY = 32  # ids go in batches: taking one at a time from the front of a dict is slow
LOGIN_MARK, CHANGE_MARK = "\0l", "\0c"  # no id contains NUL: all kinds of ids share one dict without meeting


class User:
    """One user, decoded. `remembered` holds the ids of the last 48 h in order of arrival, with their log entries."""

    __slots__ = (
        "account", "flag_days", "habits", "log_length", "newest_ms", "recent", "remembered", "sequence",
        "snapshot_newest_ms", "snapshot_sequence", "timezone",
    )  # fmt: skip

    def __init__(self) -> None:
        self.habits = Habits()
        self.account = AccountHistory()
        self.recent = RecentTransactions()
        self.remembered: dict[str, TransactionEntry | LoginEntry | AccountEntry] = {}
        self.newest_ms = -1
        self.sequence = 0
        self.log_length = 0
        self.snapshot_sequence = 0
        self.snapshot_newest_ms = -1
        self.timezone: str | None = None
        self.flag_days: FlagDays = {}


class UserStates:
    """The users of one operator instance, in two generations: who is not seen while the young one fills is dropped."""

    def __init__(self, log: UserLog, settings: UserStateSettings) -> None:
        self.settings = settings
        self.windows = SlidingWindows(settings.windows)
        self.baseline = Baseline(settings.habits)
        self.account_log = AccountLog(AccountSettings(horizon_ms=settings.windows.horizon_ms))
        self.misses = 0
        self.compactions = 0
        self._log = log
        self._horizon_ms = settings.windows.horizon_ms
        self._limit = max(1, settings.cached_users // 2)
        self._young: dict[str, User] = {}
        self._old: dict[str, User] = {}

    @property
    def cached(self) -> int:
        """How many users are decoded in memory."""
        return len(self._young) + len(self._old)

    def get(self, user_id: str) -> User:
        """The user of the current key, from memory or from the state."""
        user = self._young.get(user_id)
        if user is not None:
            return user
        user = self._old.pop(user_id, None)
        if user is None:
            self.misses += 1
            user = self._load()
        if len(self._young) >= self._limit:
            self._old = self._young
            self._young = {}
        self._young[user_id] = user
        return user

    def evict(self, user_id: str) -> None:
        """Forget the decoded form, e.g. after an error half-way through an event."""
        self._young.pop(user_id, None)
        self._old.pop(user_id, None)

    def evict_all(self) -> None:
        self._young = {}
        self._old = {}

    def seen(self, user: User, mark: str, time_ms: int) -> bool:
        """Is this id among those accepted within 48 h of the user's newest event, the one at hand included?"""
        entry = user.remembered.get(mark)
        return entry is not None and entry.remembered_ms > max(user.newest_ms, time_ms) - self._horizon_ms

    def record(self, user: User, entry: LogEntry) -> None:
        """Learn an event and write it: one append; now and then the snapshot, or the log without what is dead.

        A transaction that is not late is already in the windows.
        """
        self._learn(user, entry)
        self.windows.forget(user.recent, user.newest_ms)
        if entry.sequence % FORGET_EVERY == 0:
            self._forget_ids(user)
        user.log_length += 1
        settings = self.settings
        if user.log_length > 2 * len(user.remembered) + settings.compact_slack:
            self.compactions += 1
            snapshot = self._snapshot(user)  # all is encoded before anything is written
            self._log.replace([encode_entry(kept) for kept in user.remembered.values()])
            self._log.save_snapshot(snapshot)
            user.log_length = len(user.remembered)
        elif (
            user.sequence - user.snapshot_sequence >= settings.snapshot_every
            or user.newest_ms - user.snapshot_newest_ms >= settings.snapshot_after_ms
        ):
            snapshot = self._snapshot(user)
            self._log.append(encode_entry(entry))
            self._log.save_snapshot(snapshot)
        else:
            self._log.append(encode_entry(entry))

    def _snapshot(self, user: User) -> bytes:
        before = self.windows.newest_beyond(user.recent, user.newest_ms)
        start_ms = user.newest_ms - self._horizon_ms
        logins = [login for login in user.account.logins if login.remembered_ms <= start_ms]  # the log keeps the others
        user.snapshot_sequence = user.sequence
        user.snapshot_newest_ms = user.newest_ms
        return encode_snapshot(
            user.sequence, user.newest_ms, user.habits, user.account, before, logins, user.timezone, user.flag_days
        )

    def _learn(self, user: User, entry: LogEntry) -> None:
        user.sequence = entry.sequence
        if isinstance(entry, TransactionEntry):
            user.newest_ms = entry.remembered_ms
            _remember(user, entry.transaction_id, entry)
            if not entry.late:
                self.baseline.learn(user.habits, entry)
        elif isinstance(entry, LoginEntry):
            user.newest_ms = entry.remembered_ms
            _remember(user, LOGIN_MARK + entry.event_id, entry)
            self.account_log.learn_login(user.account, entry)
        elif isinstance(entry, AccountEntry):
            user.newest_ms = entry.remembered_ms
            _remember(user, CHANGE_MARK + entry.event_id, entry)
            self.account_log.learn_change(user.account, entry)
        elif isinstance(entry, ZoneEntry):
            user.timezone = entry.timezone
        elif isinstance(entry, FlagEntry):
            learn_flags(user.flag_days, entry.kinds, entry.day)
        else:
            self.account_log.learn_label(user.account, entry)

    def _forget_ids(self, user: User) -> None:
        """Ids expire in order of arrival, since the newest event time never falls."""
        start_ms = user.newest_ms - self._horizon_ms
        remembered = user.remembered
        expired = [mark for mark, _ in takewhile(lambda item: item[1].remembered_ms <= start_ms, remembered.items())]
        for mark in expired:
            del remembered[mark]

    def _load(self) -> User:
        user = User()
        before: TransactionEntry | None = None
        logins_since_ms = -1
        data = self._log.snapshot()
        if data is not None:
            stored, user.habits, user.account = decode_snapshot(data)
            user.sequence = user.snapshot_sequence = stored.sequence
            user.newest_ms = user.snapshot_newest_ms = stored.newest_ms
            before = stored.before
            user.timezone = stored.timezone
            user.flag_days = {kind: (newest, told) for kind, newest, told in stored.flag_days}
            logins_since_ms = stored.newest_ms - self._horizon_ms
        entries = [decode_entry(item) for item in self._log.entries()]
        user.log_length = len(entries)
        for entry in entries:
            if entry.sequence > user.snapshot_sequence:
                self._learn(user, entry)
            elif isinstance(entry, TransactionEntry):
                _remember(user, entry.transaction_id, entry)
            elif isinstance(entry, LoginEntry):
                _remember(user, LOGIN_MARK + entry.event_id, entry)
                if entry.remembered_ms > logins_since_ms:
                    self.account_log.learn_login(user.account, entry)
            elif isinstance(entry, AccountEntry):
                _remember(user, CHANGE_MARK + entry.event_id, entry)
        start_ms = user.newest_ms - self._horizon_ms
        transactions = [entry for entry in entries if isinstance(entry, TransactionEntry) and not entry.late]
        for entry in transactions:
            if entry.timestamp_ms <= start_ms and (before is None or entry.timestamp_ms >= before.timestamp_ms):
                before = entry
        in_horizon = [entry for entry in transactions if entry.timestamp_ms > start_ms]
        user.recent = self.windows.restore(in_horizon, before)
        self._forget_ids(user)
        return user


def _remember(user: User, mark: str, entry: TransactionEntry | LoginEntry | AccountEntry) -> None:
    user.remembered.pop(mark, None)  # an id used again after it expired takes its place at the end
    user.remembered[mark] = entry
