"""What every feature family may look at: one transaction, and what was known when it came."""

from __future__ import annotations

from udfs.account_history import AccountHistory, AccountLog
from udfs.baseline import Habits
from udfs.broad_risks import BroadFigures
from udfs.entity_risk import EntityRisk
from udfs.entries import TransactionEntry
from udfs.events import Transaction
from udfs.outputs import EnrichmentStatus
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.sums import Sums
from udfs.window import Window
from udfs.windows import RecentTransactions, SlidingWindows

NAN = float("nan")


class Context:
    """One transaction at event time `time_ms`. Windows hold the transaction itself, habits and `previous` do not.

    `scale` is minor units per major unit of the base currency. A late transaction has no windows (None).
    `week` and `month` are the user's earlier transactions of this day (UTC) and the 6 and 29 before, None if it is late.
    `received` is the history of the user as a beneficiary; `categories` are the figures of the transaction's categories (in
    the order of udfs.features.category.BROAD), `attributes` those of the bank's own text attributes.
    """

    __slots__ = (
        "account", "account_log", "amount", "attributes", "beneficiary_risk", "categories", "day", "device", "device_listed",
        "device_risk", "domain", "five_minutes", "habits", "hour", "ip", "ip_risk", "local_hour", "local_weekday",
        "merchant", "merchant_risk", "minor", "month", "place_country", "previous", "received", "recent", "scale",
        "stale_history", "status", "time_ms", "transaction", "user", "week", "windows",
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
    habits: Habits
    week: Sums | None
    month: Sums | None
    account_log: AccountLog
    account: AccountHistory
    user: UserProfile | None
    merchant: MerchantProfile | None
    merchant_risk: EntityRisk | None
    device_risk: EntityRisk | None
    beneficiary_risk: EntityRisk | None
    ip_risk: EntityRisk | None
    received: EntityRisk | None
    categories: list[BroadFigures | None]
    attributes: list[BroadFigures | None]
    stale_history: bool
    device: DeviceProfile | None
    device_listed: bool
    ip: IpFeed | None
    domain: DomainFeed | None
    status: EnrichmentStatus
