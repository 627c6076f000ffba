"""Where money came from and goes to: transfers received before, beneficiaries, refunds against purchases, spending that
ramps up.
"""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.sorted_times import first_after

BENEFICIARY_LIMIT = 256

FEATURES = (
    Feature(
        "received_txn_count_1d",
        "transactions",
        "transfers to this user (as a beneficiary) in the 24 hourly buckets that ended by t - 5 minutes; unknown if never",
        groups=("entity_history",),
    ),
    Feature("received_user_count_1d", "users", "different senders of those", groups=("entity_history",)),
    Feature(
        "amount_vs_received_1d", "ratio", "amount / sum of those; unknown if that is 0", groups=("entity_history",)
    ),
    Feature(
        "distinct_beneficiaries_1d",
        "beneficiaries",
        "different beneficiaries in (t - 1 day, t], of the newest 256 transactions",
        groups=("beneficiary",),
    ),
    Feature(
        "refund_vs_purchases_at_merchant",
        "ratio",
        "refunds from this merchant to this user, this one included / earlier purchases there; unknown if no refund",
        groups=("merchant",),
    ),
    Feature(
        "refund_count_at_merchant",
        "refunds",
        "refunds from this merchant to this user, this one included; unknown if this is none",
        groups=("merchant",),
    ),
    Feature(
        "spend_7d_vs_30d",
        "ratio",
        "daily spend of this day and the 6 before, this one included, against that of this day and the 29 before",
    ),
    Feature(
        "credit_limit_share_7d",
        "share",
        "spend of those 7 days / credit limit; unknown below 0.01",
        groups=("profile",),
    ),
    Feature(
        "credit_limit_share_30d",
        "share",
        "spend of those 30 days / credit limit; unknown below 0.01",
        groups=("profile",),
    ),
)
SMALLEST_LIMIT = 0.01


def compute(c: Context) -> tuple[float, ...]:
    return (*_received(c), _beneficiaries(c), *_refunds(c), *_spending(c))


def _received(c: Context) -> tuple[float, float, float]:
    risk = c.received
    if risk is None or risk.first_seen_ms is None:
        return NAN, NAN, NAN
    received_minor = risk.amount_minor_1d
    ratio = c.minor / received_minor if received_minor > 0.0 else NAN
    return float(risk.transactions_1d), float(risk.users_1d), ratio


def _beneficiaries(c: Context) -> float:
    if c.transaction.beneficiary_id is None or c.day is None:
        return NAN
    recent = c.recent
    last = first_after(recent.times, c.time_ms)
    first = max(first_after(recent.times, c.time_ms - c.windows.settings.day_ms), last - BENEFICIARY_LIMIT)
    return float(len({entry.beneficiary_id for entry in recent.entries[first:last]} - {None}))


def _refunds(c: Context) -> tuple[float, float]:
    transaction = c.transaction
    if transaction.merchant_id is None or transaction.kind == "purchase":
        return NAN, NAN
    dealings = c.habits.merchant_dealings.get(transaction.merchant_id)
    if dealings is None:
        return NAN, 1.0
    refunded = dealings.refunded + c.minor
    return refunded / dealings.purchased if dealings.purchased else NAN, float(dealings.refunds + 1)


def _spending(c: Context) -> tuple[float, float, float]:
    week, month = c.week, c.month
    if week is None or month is None:
        return NAN, NAN, NAN
    spent_7d, spent_30d = week.total + c.minor, month.total + c.minor
    ratio = 30 * spent_7d / (7 * spent_30d) if spent_30d else NAN
    limit = (c.user.credit_limit or 0.0) if c.user is not None else 0.0
    if limit < SMALLEST_LIMIT:
        return ratio, NAN, NAN
    return ratio, spent_7d / c.scale / limit, spent_30d / c.scale / limit
