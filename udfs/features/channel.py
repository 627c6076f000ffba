"""How the payment was made."""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature

ONLINE_CHANNELS = frozenset({"ecommerce", "online", "upi", "app", "web", "mobile"})
TRANSFER_CHANNELS = frozenset({"transfer", "upi", "wire", "p2p"})
CASH_CATEGORY = "6011"
# Jewellery, miscellaneous retail, electronics, wire transfer, quasi-cash, gambling.
HIGH_RISK_CATEGORIES = frozenset({"5944", "5999", "5732", "4829", "6051", "7995"})

FEATURES = (
    Feature(
        "is_online_channel",
        "flag",
        f"1 if the channel is one of {', '.join(sorted(ONLINE_CHANNELS))}",
        groups=("channel",),
    ),
    Feature("is_atm_channel", "flag", "1 if the channel is atm", groups=("channel",)),
    Feature(
        "is_transfer_channel",
        "flag",
        f"1 if the channel is one of {', '.join(sorted(TRANSFER_CHANNELS))}",
        groups=("channel",),
    ),
    Feature("is_manual_entry", "flag", "1 if the entry mode is manual", groups=("entry_mode",)),
    Feature("is_magstripe_entry", "flag", "1 if the entry mode is magstripe", groups=("entry_mode",)),
    Feature("used_otp", "flag", "1 if a one-time password was used", groups=("otp",)),
    Feature("is_cash_category", "flag", "1 if the merchant category is 6011", groups=("category",)),
    Feature(
        "is_high_risk_category",
        "flag",
        f"1 if the category is one of {', '.join(sorted(HIGH_RISK_CATEGORIES))}",
        groups=("category",),
    ),
    Feature("is_refund", "flag", "1 for a refund or reversal"),
)


def compute(c: Context) -> tuple[float, ...]:
    transaction = c.transaction
    channel, entry_mode, category = transaction.channel, transaction.entry_mode, transaction.merchant_category
    otp_used = transaction.otp_used
    return (
        NAN if channel is None else 1.0 if channel in ONLINE_CHANNELS else 0.0,
        NAN if channel is None else 1.0 if channel == "atm" else 0.0,
        NAN if channel is None else 1.0 if channel in TRANSFER_CHANNELS else 0.0,
        NAN if entry_mode is None else 1.0 if entry_mode == "manual" else 0.0,
        NAN if entry_mode is None else 1.0 if entry_mode == "magstripe" else 0.0,
        NAN if otp_used is None else 1.0 if otp_used else 0.0,
        NAN if category is None else 1.0 if category == CASH_CATEGORY else 0.0,
        NAN if category is None else 1.0 if category in HIGH_RISK_CATEGORIES else 0.0,
        0.0 if transaction.kind == "purchase" else 1.0,
    )
