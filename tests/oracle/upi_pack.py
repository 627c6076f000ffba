"""The UPI pack's table recomputed from raw events with pandas: by definition, slowly, and with none of our code.

Input are plain dicts in order of arrival. Output is one row a scored transaction, in order of arrival, with a boolean
column a rule, and `late`. `logins_forgotten`: of the last two logins one is a day old or older, of which few are kept, so
that nothing is promised of their cities.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

POINTS = {
    "failed_logins_3": 40, "failed_login": 15, "login_city_changed": 20, "logins_from_several_devices": 25,
    "payments_from_several_devices": 25, "repeated_high_amounts": 30, "payment_at_unusual_hour": 10,
    "frequent_device_change": 20, "frequent_location_change": 20,
}  # fmt: skip
OF_LOGINS = ("failed_logins_3", "failed_login", "login_city_changed", "logins_from_several_devices")
HOUR, DAY = 3_600_000, 86_400_000


def hits(events: list[dict[str, Any]]) -> pd.DataFrame:
    """Users in UTC; all amounts in one currency with two decimals."""
    frame = pd.DataFrame(events).assign(arrival=range(len(events)))
    frame["key"] = frame["transaction_id"].fillna(frame["event_id"])
    frame = frame.drop_duplicates(["user_id", "type", "key"])  # the generator repeats within 48 h only
    rows = []
    for _, of_user in frame.groupby("user_id"):
        newest = of_user["timestamp"].cummax()
        of_user = of_user.assign(late=newest - of_user["timestamp"] > DAY)
        for place, (_, row) in enumerate(of_user.iterrows()):
            if row["type"] == "transaction":
                rows.append(_of_transaction(row, of_user.iloc[: place + 1]))
    return pd.DataFrame(rows).sort_values("arrival").reset_index(drop=True)


def _of_transaction(row: pd.Series, seen: pd.DataFrame) -> dict[str, Any]:
    t = row["timestamp"]
    logins = seen[seen["type"] == "login"].sort_values("timestamp", kind="stable")
    paid = seen[(seen["type"] == "transaction") & ~seen["late"]].sort_values("timestamp", kind="stable")
    earlier = paid[paid["arrival"] < row["arrival"]]
    before = logins[logins["timestamp"] <= t]
    day_of_logins = before[before["timestamp"] > t - DAY]
    hour_of_logins = before[before["timestamp"] > t - HOUR]
    failed = int((day_of_logins["success"] == False).sum())  # noqa: E712
    last_two = before["city"].tolist()[-2:]
    forgotten = len(before) > len(day_of_logins) and len(day_of_logins) < 2
    day = paid[(paid["timestamp"] <= t) & (paid["timestamp"] > t - DAY)]
    hour = day[day["timestamp"] > t - HOUR]
    cents = (hour["amount"] * 100).round().astype(int)
    total = int((earlier["amount"] * 100).round().sum())
    high = int((cents * len(earlier) > 2 * total).sum()) if total else 0
    clock = pd.Timestamp(t, unit="ms").hour
    known = not row["late"]
    return {
        "arrival": row["arrival"],
        "user_id": row["user_id"],
        "transaction_id": row["transaction_id"],
        "late": row["late"],
        "logins_forgotten": forgotten,
        "failed_logins_3": failed >= 3,
        "failed_login": 1 <= failed < 3,
        "login_city_changed": len(last_two) == 2 and not pd.isna(last_two).any() and last_two[0] != last_two[1],
        "logins_from_several_devices": hour_of_logins["device_id"].nunique() >= 2,
        "payments_from_several_devices": known and pd.notna(row["device_id"]) and hour["device_id"].nunique() >= 2,
        "repeated_high_amounts": known and high >= 3,
        "payment_at_unusual_hour": clock < 6 or clock >= 23,
        "frequent_device_change": known and pd.notna(row["device_id"]) and _changes(day["device_id"]) >= 3,
        "frequent_location_change": known and pd.notna(row["city"]) and _changes(day["city"]) >= 3,
    }


def _changes(values: pd.Series) -> int:
    known = values.dropna()
    return int((known != known.shift()).sum()) - 1 if len(known) else 0
