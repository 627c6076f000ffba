"""The user's logins before this transaction. Without any login of the user nothing is known."""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.features.geography import changed
from udfs.time_units import MINUTE_MS

FEATURES = (
    Feature("failed_logins_1h", "logins", "failed logins in (t - 1 hour, t]", version=2, groups=("logins",)),
    Feature("failed_logins_1d", "logins", "failed logins in (t - 1 day, t]", version=2, groups=("logins",)),
    Feature("minutes_since_login", "minutes", "t - the last successful login", groups=("logins",)),
    Feature("login_city_changed", "flag", "1 if the last two logins came from different cities", groups=("logins",)),
    Feature(
        "login_device_differs",
        "flag",
        "1 if the last successful login came from another device than this",
        groups=("logins", "device"),
    ),
    Feature("login_devices_1h", "devices", "different known devices of logins in (t - 1 hour, t]", groups=("logins",)),
    Feature("login_devices_1d", "devices", "different known devices of logins in (t - 1 day, t]", groups=("logins",)),
)
_NONE = (NAN,) * len(FEATURES)


def compute(c: Context) -> tuple[float, ...]:
    account, log, time_ms = c.account, c.account_log, c.time_ms
    if not account.logins:
        return _NONE
    settings = c.windows.settings
    last = log.last_success(account, time_ms)
    two = log.last_two(account, time_ms)
    return (
        float(log.failed_logins(account, time_ms, settings.hour_ms)),
        float(log.failed_logins(account, time_ms, settings.day_ms)),
        (time_ms - last.timestamp_ms) / MINUTE_MS if last is not None else NAN,
        changed(two[0].city, two[1].city) if len(two) == 2 else NAN,
        changed(last.device_id if last is not None else None, c.transaction.device_id),
        float(log.login_devices(account, time_ms, settings.hour_ms)),
        float(log.login_devices(account, time_ms, settings.day_ms)),
    )
