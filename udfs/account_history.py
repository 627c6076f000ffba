"""What a user's stream told besides transactions: logins, changes of the account's status, and labels."""

from __future__ import annotations

from bisect import bisect_right, insort

from udfs.entries import AccountEntry, LabelEntry, LoginEntry
from udfs.user_state_settings import AccountSettings


class AccountHistory:
    """State: logins in time order, times of unblocking, and the newest label of each transaction."""

    __slots__ = ("failed_times", "fraud_known_ms", "labels", "login_times", "logins", "unblocked_ms")

    def __init__(self) -> None:
        self.logins: list[LoginEntry] = []
        self.login_times: list[int] = []
        self.failed_times: list[int] = []
        self.unblocked_ms: list[int] = []
        self.labels: dict[str, tuple[int, bool]] = {}
        self.fraud_known_ms: list[int] = []

    def restore_logins(self, logins: list[LoginEntry]) -> None:
        """Take logins that are in time order, with their indexes."""
        self.logins = logins
        self.login_times = [login.timestamp_ms for login in logins]
        self.failed_times = [login.timestamp_ms for login in logins if login.success is False]

    def restore_labels(self, labels: dict[str, tuple[int, bool]]) -> None:
        """Take the labels, with their index."""
        self.labels = labels
        self.index_frauds()

    def index_frauds(self) -> None:
        self.fraud_known_ms = sorted(known_at_ms for known_at_ms, is_fraud in self.labels.values() if is_fraud)


class AccountLog:
    """The logic: learns the entries and answers as of a moment."""

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings

    def learn_login(self, state: AccountHistory, entry: LoginEntry) -> None:
        at = bisect_right(state.login_times, entry.timestamp_ms)
        state.logins.insert(at, entry)
        state.login_times.insert(at, entry.timestamp_ms)
        if entry.success is False:
            insort(state.failed_times, entry.timestamp_ms)
        settings = self.settings
        expired = bisect_right(state.login_times, entry.remembered_ms - settings.horizon_ms)
        surplus = max(min(expired, len(state.logins) - settings.keep), len(state.logins) - settings.logins)
        if surplus > 0:
            state.restore_logins(state.logins[surplus:])

    def learn_change(self, state: AccountHistory, entry: AccountEntry) -> None:
        if entry.unblocked:
            insort(state.unblocked_ms, entry.timestamp_ms)
            del state.unblocked_ms[: -self.settings.unblocks]

    def learn_label(self, state: AccountHistory, entry: LabelEntry) -> None:
        """The newest label of a transaction wins; of two known at the same moment, the later to arrive.

        Over the limit those go first that say legitimate: nobody counts them.
        """
        labels = state.labels
        previous = labels.get(entry.transaction_id)
        if previous is not None and previous[0] > entry.known_at_ms:
            return
        if previous is None and len(labels) >= self.settings.labels:
            legitimate = next((known for known, (_, is_fraud) in labels.items() if not is_fraud), None)
            if legitimate is None and not entry.is_fraud:
                return
            del labels[legitimate if legitimate is not None else next(iter(labels))]  # a new fraud is indexed below
        labels[entry.transaction_id] = (entry.known_at_ms, entry.is_fraud)
        if entry.is_fraud or (previous is not None and previous[1]):
            state.index_frauds()

    def failed_logins(self, state: AccountHistory, time_ms: int, width_ms: int) -> int:
        """Failed logins in (time - width, time]."""
        times = state.failed_times
        return bisect_right(times, time_ms) - bisect_right(times, time_ms - width_ms)

    def login_devices(self, state: AccountHistory, time_ms: int, width_ms: int) -> int:
        """Different known devices of the logins in (time - width, time]."""
        times = state.login_times
        if times[-1] <= time_ms - width_ms:
            return 0
        logins = state.logins[bisect_right(times, time_ms - width_ms) : bisect_right(times, time_ms)]
        return len({login.device_id for login in logins} - {None})

    def last_success(self, state: AccountHistory, time_ms: int) -> LoginEntry | None:
        """The newest successful login at or before a moment."""
        for entry in reversed(state.logins[: bisect_right(state.login_times, time_ms)]):
            if entry.success is True:
                return entry
        return None

    def last_two(self, state: AccountHistory, time_ms: int) -> list[LoginEntry]:
        """The newest login at or before a moment, and the one before it."""
        last = bisect_right(state.login_times, time_ms)
        return state.logins[max(0, last - 2) : last]

    def confirmed_frauds(self, state: AccountHistory, time_ms: int) -> int:
        """Transactions whose newest label says fraud, as known at a moment."""
        return bisect_right(state.fraud_known_ms, time_ms)

    def last_unblocked_ms(self, state: AccountHistory, time_ms: int) -> int | None:
        at = bisect_right(state.unblocked_ms, time_ms)
        return state.unblocked_ms[at - 1] if at else None
