"""Features in an analyst's words, for the reasons of an alert."""

from __future__ import annotations

from udfs.features.catalogue import FEATURES

_FORMULAS = {feature.name: feature for feature in FEATURES}

_FLAGS = {
    "amount_is_round_hundred": ("round amount", "amount is not round"),
    "is_new_country": ("first transaction in this country", "a country known for this user"),
    "is_new_city": ("first transaction in this city", "a city known for this user"),
    "country_changed": ("another country than the last transaction", "same country as the last transaction"),
    "city_changed": ("another city than the last transaction", "same city as the last transaction"),
    "is_merchant_abroad": ("merchant outside the home country", "merchant in the home country"),
    "merchant_country_differs": ("merchant's country is not the transaction's", "merchant's country matches"),
    "is_new_device": ("first transaction on this device", "a device known for this user"),
    "device_changed": ("another device than the last transaction", "same device as the last transaction"),
    "device_changed_in_session": ("device changed within 30 minutes", "device not changed within a session"),
    "is_new_ip": ("first transaction from this IP address", "an IP address known for this user"),
    "ip_changed": ("another IP address than the last transaction", "same IP address as the last transaction"),
    "device_blacklisted": ("device is blacklisted", "device is not blacklisted"),
    "is_new_merchant": ("first transaction at this merchant", "a merchant known for this user"),
    "is_new_category": ("first transaction in this merchant category", "a merchant category known for this user"),
    "is_new_beneficiary": ("first transfer to this beneficiary", "a beneficiary known for this user"),
    "is_online_channel": ("online payment", "not an online payment"),
    "is_atm_channel": ("cash machine", "not a cash machine"),
    "is_transfer_channel": ("transfer", "not a transfer"),
    "is_manual_entry": ("card number entered by hand", "card number not entered by hand"),
    "is_magstripe_entry": ("magnetic stripe", "no magnetic stripe"),
    "used_otp": ("one-time password used", "no one-time password"),
    "is_cash_category": ("cash withdrawal", "not a cash withdrawal"),
    "is_high_risk_category": ("high-risk merchant category", "not a high-risk merchant category"),
    "is_refund": ("refund", "not a refund"),
    "login_city_changed": ("login city changed", "login city not changed"),
    "login_device_differs": ("logged in from another device", "logged in from the same device"),
    "is_weekend": ("on a weekend", "on a working day"),
    "is_night": ("at night (before 06:00 or from 23:00)", "not at night"),
    "is_vip": ("VIP", "not a VIP"),
    "ip_is_vpn": ("IP address of a VPN", "IP address of no VPN"),
}
_VALUES = {
    "amount": "amount {:,.2f}",
    "amount_log": "size of the amount",
    "amount_vs_user_avg": "amount {:.1f}x this user's mean",
    "amount_vs_user_max": "amount {:.1f}x this user's greatest so far",
    "amount_vs_last": "amount {:.1f}x the last one",
    "amount_vs_avg_1h": "amount {:.1f}x the mean of the last hour",
    "amount_vs_avg_1d": "amount {:.1f}x the mean of the last day",
    "amount_vs_avg_7d": "amount {:.1f}x this user's 7-day mean",
    "amount_vs_avg_30d": "amount {:.1f}x this user's 30-day mean",
    "amount_zscore": "amount {:.1f} standard deviations from this user's mean",
    "txn_count_1d_vs_usual": "{:.1f}x this user's usual transactions a day",
    "user_avg_amount": "this user's mean amount {:,.2f}",
    "user_txn_count": "{:,.0f} earlier transactions of this user",
    "user_days_known": "user first seen {:.0f} days ago",
    "km_from_last": "{:,.0f} km from the last transaction",
    "km_from_home": "{:,.0f} km from home",
    "speed_kmh": "{:,.0f} km/h since the last transaction",
    "device_days_known": "device used by this user for {:.0f} days",
    "device_registered_days": "device registered {:.0f} days ago",
    "merchant_days_known": "merchant known for {:.0f} days",
    "merchant_txn_count_1d": "{:,.0f} transactions at this merchant in a day",
    "merchant_txn_count_7d": "{:,.0f} transactions at this merchant in 7 days",
    "merchant_user_count_1d": "{:,.0f} users at this merchant in a day",
    "velocity_score": "velocity score {:,.0f}",
    "foreign_country_count_1d": "{:.0f} foreign countries in a day",
    "declined_count_1h": "{:.0f} declined in 1 hour",
    "declined_count_1d": "{:.0f} declined in 1 day",
    "refund_count_1d": "{:.0f} refunds in 1 day",
    "refund_sum_1d": "refunds of {:,.2f} in 1 day",
    "failed_logins_1h": "{:.0f} failed logins in 1 hour",
    "failed_logins_1d": "{:.0f} failed logins in 1 day",
    "minutes_since_login": "{:,.0f} minutes since the last login",
    "hour_local": "at {:02.0f} o'clock local time",
    "hour_sin": "time of day",
    "hour_cos": "time of day",
    "seconds_since_last": "{:,.0f} seconds since the last transaction",
    "account_age_days": "account {:,.0f} days old",
    "kyc_level": "KYC level {:.0f}",
    "credit_limit_share": "{:.0%} of the credit limit in a day",
    "monthly_spend_share": "{:.0%} of the average monthly spend",
    "prior_fraud_count": "{:.0f} confirmed frauds before",
    "days_since_unblock": "unblocked {:.0f} days ago",
    "ip_risk_score": "IP risk score {:.0f}",
    "email_domain_age_days": "e-mail domain {:,.0f} days old",
    **{f"merchant_fraud_rate_{days}d": f"merchant's fraud rate of {days} days {{:.1%}}" for days in (1, 3, 7, 14, 30)},
}
for _what, _name in (("device", "device"), ("beneficiary", "beneficiary"), ("ip", "IP address")):
    _VALUES[f"{_what}_user_count_1d"] = f"{{:,.0f}} users of this {_name} in a day"
    _VALUES[f"{_what}_user_count_7d"] = f"{{:,.0f}} users of this {_name} in 7 days"
    _VALUES[f"{_what}_txn_count_1d"] = f"{{:,.0f}} transactions with this {_name} in a day"
    _VALUES[f"{_what}_fraud_rate_30d"] = f"{_name}'s fraud rate of 30 days {{:.1%}}"
for _suffix, _span in (("5m", "5 minutes"), ("1h", "1 hour"), ("1d", "1 day")):
    _VALUES[f"txn_count_{_suffix}"] = f"{{:.0f}} transactions in {_span}"
    _VALUES[f"amount_sum_{_suffix}"] = f"{{:,.2f}} spent in {_span}"
    _VALUES[f"avg_amount_{_suffix}"] = f"mean amount {{:,.2f}} in {_span}"
    _VALUES[f"max_amount_{_suffix}"] = f"greatest amount {{:,.2f}} in {_span}"
    _VALUES[f"std_amount_{_suffix}"] = f"amounts vary by {{:,.2f}} in {_span}"
    _VALUES[f"distinct_merchants_{_suffix}"] = f"{{:.0f}} merchants in {_span}"
    _VALUES[f"distinct_devices_{_suffix}"] = f"{{:.0f}} devices in {_span}"
    _VALUES[f"distinct_countries_{_suffix}"] = f"{{:.0f}} countries in {_span}"


def in_words(name: str, value: float) -> str:
    """A feature's value in words, e.g. `amount 5.2x this user's mean`."""
    if value != value:
        return f"{name.replace('_', ' ')} not known"
    flag = _FLAGS.get(name)
    if flag is not None:
        return flag[0] if value else flag[1]
    template = _VALUES.get(name)
    if template is not None:
        return template.format(value)
    return f"{name.replace('_', ' ')} {value:,.4g} {_FORMULAS[name].unit}".strip()
