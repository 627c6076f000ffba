"""Hourly buckets of entities: kinds, settings and the stored row.

A bucket is visible for activity 5 minutes after its end, for frauds one label delay after its end. Events that arrive
later than that are counted in the bucket of the moment they became known. A replay of history and the live job therefore
read the same numbers, independent of the lag between writer and reader.

    |--h0--|--h1--|--h2--|--h3--|          hours; t in h3
                     activity: h0 h1 h2    (5 min after the end of h2)
           frauds with a delay of 2 h: h0  (the end of h1 + 2 h has not passed yet)
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import msgspec

from udfs.values.time_units import DAY_MS, MINUTE_MS

EntityKind = Literal[
    "merchant", "device", "beneficiary", "ip",
    "category", "channel", "entry_mode", "merchant_country", "city", "category_hour", "category_channel", "bin", "attribute",
]  # fmt: skip
KINDS: tuple[EntityKind, ...] = get_args(EntityKind)
BROAD_KINDS: tuple[EntityKind, ...] = KINDS[4:]
"""Kinds shared by nearly all users: distinct users are not counted for them."""
RISK_DAYS = (1, 3, 7, 14, 30)
LONG_RISK_DAYS = (30,)
BROAD_RISK_DAYS = (7, 30, 90)
DAY_HOURS, WEEK_HOURS = 24, 168
AMOUNT_DAYS = 30
"""Length of the window of a category's amount statistics, in days."""
MILLION = 1_000_000
FOR_EVER_MS = 1 << 62


class Entity(NamedTuple):
    """Key of an entity history."""

    kind: EntityKind
    id: str


class BucketSettings(msgspec.Struct, frozen=True):
    """Delays after which a bucket is read, and the prior of the fraud rates.

    A rate is smoothed to (frauds + prior_weight x prior_fraud_rate) / (transactions + prior_weight). `risk_days` are the
    window lengths in days of the merchants' fraud rates, `broad_risk_days` those of BROAD_KINDS, `other_risk_days` those
    of all other kinds.
    """

    label_delay_ms: int = 7 * DAY_MS
    activity_delay_ms: int = 5 * MINUTE_MS
    prior_weight: float = 5.0
    prior_fraud_rate: float = 0.01
    risk_days: tuple[int, ...] = RISK_DAYS
    other_risk_days: tuple[int, ...] = LONG_RISK_DAYS
    broad_risk_days: tuple[int, ...] = BROAD_RISK_DAYS

    def risk_days_of(self, kind: EntityKind) -> tuple[int, ...]:
        """Window lengths of the fraud rates of a kind, in days."""
        if kind == "merchant":
            return self.risk_days
        return self.broad_risk_days if kind in BROAD_KINDS else self.other_risk_days


class BucketRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entity's buckets as stored: parallel lists over the non-empty hours, ascending.

    `hours` are hours since the epoch; merged days have the hour of their start. `users_1d` and `users_7d` are changes of
    the number of distinct users in the 24 and 168 hours that end with the hour's end, including changes in the future;
    broad kinds leave both empty. `reported` are changes of the number of frauds that became known in 168 hours and have
    not been cleared. `amounts` are sums in minor units of the base currency. The kind category also has sums of
    ln(1 + amount in major units), and of its square, in millionths. `withdrawn` holds pairs: the hour in which a fraud
    was counted, and the hour from whose end on it is no longer a fraud.

    Rows of an earlier version have neither `amounts` nor `reported`; for entities first counted by that version both are
    complete from `figures_from_hour` on. `complete_through_ms` is the event time up to which all events were counted.
    """

    entity: EntityKind
    id: str
    complete_through_ms: int
    first_hour: int | None
    hours: list[int]
    transactions: list[int]
    frauds: list[int]
    users_1d: list[int]
    users_7d: list[int]
    withdrawn: list[tuple[int, int]] = []
    amounts: list[int] = []
    reported: list[int] = []
    log_amounts: list[int] = []
    log_amount_squares: list[int] = []
    figures_from_hour: int = 0
