"""The device and the IP address, against the last ones and those known."""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.features.geography import changed
from udfs.time_units import DAY_MS, MINUTE_MS

SESSION_GAP_MS = 30 * MINUTE_MS

FEATURES = (
    Feature("is_new_device", "flag", "1 if the device is not among the user's known devices", groups=("device",)),
    Feature("device_changed", "flag", "1 if the last transaction came from another device", groups=("device",)),
    Feature(
        "device_changed_in_session",
        "flag",
        "device_changed, and the last transaction at most 30 minutes ago",
        groups=("device",),
    ),
    Feature(
        "device_days_known",
        "days",
        "t - the user's first transaction from this device; unknown if new",
        groups=("device",),
    ),
    Feature("known_device_count", "devices", "the user's known devices (at most 16)", groups=("device",)),
    Feature("is_new_ip", "flag", "1 if the IP address is not among the user's known addresses", groups=("ip",)),
    Feature("ip_changed", "flag", "1 if the last transaction came from another IP address", groups=("ip",)),
    Feature(
        "device_blacklisted",
        "flag",
        "1 if the device is blacklisted or on the block list; unknown without device",
        groups=("device",),
    ),
    Feature(
        "device_registered_days",
        "days",
        "t - the device's registration; unknown if not registered by then",
        groups=("device", "device_profile"),
    ),
)


def compute(c: Context) -> tuple[float, ...]:
    previous, habits, device = c.previous, c.habits, c.device
    device_id, ip_address = c.transaction.device_id, c.transaction.ip_address
    first_ms = habits.devices.get(device_id) if device_id is not None else None
    device_changed = changed(previous.device_id if previous is not None else None, device_id)
    registered_at = device.registered_at if device is not None else None
    listed = c.device_listed or (device is not None and device.blacklisted)
    is_another_session = previous is not None and c.time_ms - previous.timestamp_ms > SESSION_GAP_MS
    return (
        NAN if device_id is None else 1.0 if first_ms is None else 0.0,
        device_changed,
        0.0 if is_another_session and device_id is not None else device_changed,
        (c.time_ms - first_ms) / DAY_MS if first_ms is not None else NAN,
        NAN if device_id is None else float(len(habits.devices)),
        NAN if ip_address is None else 0.0 if ip_address in habits.ip_addresses else 1.0,
        changed(previous.ip_address if previous is not None else None, ip_address),
        NAN if device_id is None else 1.0 if listed else 0.0,
        (c.time_ms - registered_at) / DAY_MS if registered_at is not None and registered_at <= c.time_ms else NAN,
    )
