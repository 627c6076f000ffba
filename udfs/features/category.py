"""Categories as others have used them: the history of the merchant category, channel, entry mode, merchant's country,
city, category by hour of day, category by channel, and the card's BIN, each as of the moment (hourly buckets, delayed
labels). A rate without a transaction in its span is not known.
"""

from __future__ import annotations

from math import log1p

from udfs.entity_buckets import BROAD_RISK_DAYS
from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.features.merchant import span_of_rate

BROAD = (
    ("category", ("category",)),
    ("channel", ("channel",)),
    ("entry_mode", ("entry_mode",)),
    ("merchant_country", ("country", "merchant_country")),
    ("city", ("city",)),
    ("category_hour", ("category",)),
    ("category_channel", ("category", "channel")),
    ("bin", ("card",)),
)
"""Each kind with the groups of input fields that name one, in the order of `Context.categories`."""


def features_of_broad(name: str, groups: tuple[str, ...]) -> tuple[Feature, ...]:
    """What is known of one kind of category, or of one attribute of the bank's own."""
    return (
        *(
            Feature(
                f"{name}_fraud_rate_{days}d",
                "rate",
                f"(frauds + weight x prior) / (transactions + weight) {span_of_rate(days)}; unknown without any",
                groups=(*groups, "entity_history"),
            )
            for days in BROAD_RISK_DAYS
        ),
        Feature(
            f"{name}_activity_ratio",
            "ratio",
            "7 x transactions of a day / transactions of 7 days, hourly buckets that ended by t - 5 minutes",
            groups=(*groups, "entity_history"),
        ),
    )


FEATURES = (
    *(feature for name, groups in BROAD for feature in features_of_broad(name, groups)),
    Feature(
        "amount_vs_category_mean",
        "ratio",
        "amount / exp(mean of ln(1 + amount)) of the category's last 30 days; unknown below 20 transactions",
        groups=("category", "entity_history"),
    ),
    Feature(
        "amount_category_zscore",
        "standard deviations",
        "ln(1 + amount) against mean and deviation of the category's last 30 days; unknown below 20 transactions",
        groups=("category", "entity_history"),
    ),
    Feature(
        "user_category_share",
        "share",
        "share of this category in the spend of the user's earlier transactions, over the known categories",
        groups=("category",),
    ),
    Feature(
        "amount_vs_user_category_avg",
        "ratio",
        "amount / mean amount of the user's earlier transactions in this category; unknown without any",
        groups=("category",),
    ),
)
UNKNOWN = (NAN,) * (len(BROAD_RISK_DAYS) + 1)


def compute(c: Context) -> tuple[float, ...]:
    values: list[float] = []
    for figures in c.categories:
        values.extend(UNKNOWN if figures is None else figures.values)
    of_category = c.categories[0]
    ratio = score = NAN
    if of_category is not None and of_category.amount_mean == of_category.amount_mean:
        ratio = c.amount / of_category.amount_mean if of_category.amount_mean else NAN
        deviation = of_category.log_amount_deviation
        score = (log1p(c.amount) - of_category.log_amount_mean) / deviation if deviation else NAN
    category = c.transaction.merchant_category
    share = of_usual = NAN
    if category is not None:
        habits = c.habits
        spent = habits.category_sums.get(category)
        if habits.category_total:
            share = spent.total / habits.category_total if spent is not None else 0.0
        if spent is not None and spent.total:
            of_usual = c.minor * spent.count / spent.total
    return (*values, ratio, score, share, of_usual)
