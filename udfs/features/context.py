"""What every feature family may look at: one transaction, and what was known when it came."""

from __future__ import annotations

from udfs.account_history import AccountHistory, AccountLog
from udfs.baseline import Baseline, Habits
from udfs.entity_risk import EntityRisk
from udfs.entries import TransactionEntry
from udfs.events import Transaction
from udfs.outputs import EnrichmentStatus
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.window import Window
from udfs.windows import RecentTransactions, SlidingWindows

NAN = float("nan")


class Context:
    """One transaction at event time `time_ms`. Windows hold the transaction itself, habits and `previous` do not.

    `scale` is minor units per major unit of the base currency. A late transaction has no windows (None).
    """

    __slots__ = (
        "account", "account_log", "amount", "baseline", "beneficiary_risk", "day", "device", "device_listed", "device_risk",
        "domain", "five_minutes", "habits", "hour", "ip", "ip_risk", "local_hour", "local_weekday", "merchant",
        "merchant_risk", "minor", "place_country", "previous", "recent", "scale", "stale_history", "status", "time_ms",
        "transaction", "user", "windows",
    )  # fmt: skip

    transaction: Transaction
    time_ms: int
    minor: int
    scale: int
    amount: float
    place_country: str | None
    local_hour: int
    local_weekday: int
    windows: SlidingWindows
    recent: RecentTransactions
    five_minutes: Window | None
    hour: Window | None
    day: Window | None
    previous: TransactionEntry | None
    baseline: Baseline
    habits: Habits
    account_log: AccountLog
    account: AccountHistory
    user: UserProfile | None
    merchant: MerchantProfile | None
    merchant_risk: EntityRisk | None
    device_risk: EntityRisk | None
    beneficiary_risk: EntityRisk | None
    ip_risk: EntityRisk | None
    stale_history: bool
    device: DeviceProfile | None
    device_listed: bool
    ip: IpFeed | None
    domain: DomainFeed | None
    status: EnrichmentStatus
