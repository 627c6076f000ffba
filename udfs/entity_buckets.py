"""Hourly buckets of what merchants, devices, beneficiaries, IP addresses and whole categories of payments did, and reading
them as of a moment.

A bucket counts for activity once its end is 5 minutes past, for frauds once its end is the label delay past. What
arrives later than that counts in the bucket of the moment it became known. So a replay of history and the live job
see the same numbers, however the writer and the reader are aligned.

    |--h0--|--h1--|--h2--|--h3--|          hours; t in h3
                     activity: h0 h1 h2    (5 min after h2's end)
           frauds with a delay of 2 h: h0  (h1's end + 2 h is still to come)
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import msgspec

from udfs.time_units import DAY_MS, MINUTE_MS

EntityKind = Literal[
    "merchant", "device", "beneficiary", "ip",
    "category", "channel", "entry_mode", "merchant_country", "city", "category_hour", "category_channel", "bin", "attribute",
]  # fmt: skip
KINDS: tuple[EntityKind, ...] = get_args(EntityKind)
BROAD_KINDS: tuple[EntityKind, ...] = KINDS[4:]
"""Those that nearly all users share: no distinct users are counted for them."""
RISK_DAYS = (1, 3, 7, 14, 30)
LONG_RISK_DAYS = (30,)
BROAD_RISK_DAYS = (7, 30, 90)
DAY_HOURS, WEEK_HOURS = 24, 168
AMOUNT_DAYS = 30
"""Days over which a category's amounts are known."""
MILLION = 1_000_000
FOR_EVER_MS = 1 << 62


class Entity(NamedTuple):
    """Whose buckets."""

    kind: EntityKind
    id: str


class BucketSettings(msgspec.Struct, frozen=True):
    """When a bucket may be read, and the prior that smooths rates: (frauds + weight x rate) / (transactions + weight).

    `risk_days` are the spans of the merchants' fraud rates, `broad_risk_days` those of BROAD_KINDS, `other_risk_days`
    those of all other kinds.
    """

    label_delay_ms: int = 7 * DAY_MS
    activity_delay_ms: int = 5 * MINUTE_MS
    prior_weight: float = 5.0
    prior_fraud_rate: float = 0.01
    risk_days: tuple[int, ...] = RISK_DAYS
    other_risk_days: tuple[int, ...] = LONG_RISK_DAYS
    broad_risk_days: tuple[int, ...] = BROAD_RISK_DAYS

    def risk_days_of(self, kind: EntityKind) -> tuple[int, ...]:
        if kind == "merchant":
            return self.risk_days
        return self.broad_risk_days if kind in BROAD_KINDS else self.other_risk_days


class BucketRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entity's buckets as they are stored: parallel lists over the hours that have anything, ascending.

    `hours` are hours since the epoch; where hours were merged, a day stands at its first. `users_1d` and `users_7d`
    are changes of the number of distinct users in the 24 and 168 hours that end with the hour's end, those to come
    included; broad kinds leave both empty. `reported` are the same of the number of frauds that became known in 168
    hours and have not been cleared. `amounts` are sums in minor units of the base currency. The kind category also has
    sums of ln(1 + amount in major units), and of its square, in millionths. `withdrawn` holds pairs: the hour that a fraud
    was counted in, and the one from whose end it is none.

    Rows of an earlier version have neither `amounts` nor `reported`; of an entity that was counted by one, both are
    whole from `figures_from_hour` on. `complete_through_ms` is the event time up to which everything was counted.
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
