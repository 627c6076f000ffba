"""The bank pack's table recomputed from raw events with pandas: by definition, slowly, and with none of our code.

Input are plain dicts in order of arrival, as they would be in a file of events, and the reference data as plain dicts.
Output is one row a scored transaction with a boolean column a rule, in order of arrival.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd

POINTS = {
    "monthly_spend_share": 25, "amount_over_5x_average": 25, "amount_over_2x_average": 15, "amount_over_1_5x_average": 5,
    "round_thousands": 15, "round_hundreds": 10, "below_reporting_threshold": 15, "large_amount_without_otp": 20,
    "new_device": 15, "device_changed_in_session": 25, "device_blocked": 50, "unusual_hour": 20, "busy_hour": 30,
    "high_frequency": 25, "far_from_home": 25, "unusual_distance_from_home": 20, "risky_city": 15,
    "merchant_in_high_risk_country": 30, "merchant_abroad": 25, "merchant_abroad_user_at_home": 25, "prior_fraud": 40,
    "young_account": 20, "recently_unblocked": 35, "cash_category": 25, "risky_category": 15, "new_merchant": 15,
    "cash": 30, "manual_entry": 15,
}  # fmt: skip
HOUR, DAY = 3_600_000, 86_400_000
DEVICES_REMEMBERED, MERCHANTS_REMEMBERED = 16, 64
EARTH_RADIUS_KM = 6371.0088
PRIOR_FRAUDS = 4

Dicts = list[dict[str, Any]]


class BankPackOracle:
    """`users`, `devices` by id; `block_list` entries; `rates` of currencies into the base currency as text."""

    def __init__(
        self, users: dict[str, Any], devices: dict[str, Any], block_list: Dicts, rates: dict[str, str]
    ) -> None:
        self.users = pd.DataFrame.from_dict(users, orient="index")
        self.blocked_devices = {name for name, device in devices.items() if device.get("blacklisted")}
        self.blocks = [entry for entry in block_list if entry["type"] == "device"]
        self.rates = {currency: Decimal(rate) for currency, rate in rates.items()}

    def population(self, events: Dicts, until: int) -> dict[str, Any]:
        """Quantiles over all transactions up to a moment, and fraud rates from the labels known by it."""
        frame = self._transactions([event for event in events if _time(event) <= until])
        frame = frame[frame["t"] <= until]
        labels = {}
        for event in sorted((e for e in events if e["type"] == "label"), key=lambda e: e["known_at"]):
            if event["known_at"] <= until:
                labels[event["user_id"], event["transaction_id"]] = event["is_fraud"]
        keys = zip(frame["user_id"], frame["transaction_id"], strict=True)
        frame["fraud"] = [labels.get(key, False) for key in keys]
        rate = frame["fraud"].mean()
        cities = frame.groupby("city")["fraud"].agg(["sum", "count"])
        return {
            "amount_p95": (frame["minor"] / 100).quantile(0.95),
            "km_p90": self._km_from_home(frame).quantile(0.9),
            "fraud_rate": rate,
            "cities": ((cities["sum"] + PRIOR_FRAUDS) / (cities["count"] + PRIOR_FRAUDS / rate)).to_dict(),
            "transactions": len(frame),
        }

    def hits(self, events: Dicts, population: dict[str, Any]) -> pd.DataFrame:
        """One row a transaction, repeated ones left out: which rules hit, and the points."""
        frame = self._transactions(events)
        self._look_back(frame, events)
        amount = frame["minor"] / 100
        minor, total, count = frame["minor"], frame["total_before"], frame["count_before"]
        home = self.users.reindex(frame["user_id"]).set_index(frame.index)
        km = self._km_from_home(frame)
        abroad = frame["merchant_country"].notna() & home["home_country"].notna()
        abroad &= frame["merchant_country"] != home["home_country"]
        risky = frame["merchant_country"].isin(["CN", "RU", "NG", "PK", "AE", "ZA"])
        hour = self._local_hour(frame, home["timezone"])
        ratio_over = {times: (total > 0) & (2 * minor * count > int(2 * times) * total) for times in (1.5, 2, 5)}
        unblocked = frame["t"] - frame[["unblocked_by_change", "unblocked_by_profile"]].max(axis=1)
        category = frame["merchant_category"]

        rules = pd.DataFrame(index=frame.index)
        rules["monthly_spend_share"] = (minor * 10 > home["avg_monthly_spend"] * 100) & (home["avg_monthly_spend"] > 0)
        rules["amount_over_5x_average"] = ratio_over[5]
        rules["amount_over_2x_average"] = ratio_over[2] & ~ratio_over[5]
        rules["amount_over_1_5x_average"] = ratio_over[1.5] & ~ratio_over[2]
        rules["round_thousands"] = (minor % 100_000 == 0) & (minor >= 500_000)
        rules["round_hundreds"] = (minor % 10_000 == 0) & (minor >= 100_000) & ~rules["round_thousands"]
        rules["below_reporting_threshold"] = sum(
            (minor >= (limit - 500) * 100) & (minor < limit * 100) for limit in (50_000, 200_000, 1_000_000)
        ).astype(bool)
        rules["large_amount_without_otp"] = (amount > population["amount_p95"]) & frame["otp_used"].eq(False)
        rules["new_device"] = frame["new_device"]
        rules["device_changed_in_session"] = frame["device_changed"] & (frame["gap"] <= 30 * 60_000)
        rules["device_blocked"] = self._device_blocked(frame)
        rules["unusual_hour"] = (hour < 6) | (hour >= 23)
        rules["busy_hour"] = frame["count_1h"] > 3
        rules["high_frequency"] = (frame["count_1h"] > 3) | (frame["count_1d"] > 10)
        rules["far_from_home"] = km > 500
        rules["unusual_distance_from_home"] = km > population["km_p90"]
        rules["risky_city"] = frame["city"].map(population["cities"]).astype(float) > 1.5 * population["fraud_rate"]
        rules["merchant_in_high_risk_country"] = abroad & risky
        rules["merchant_abroad"] = abroad & ~risky
        rules["merchant_abroad_user_at_home"] = abroad & (km <= 100)
        rules["prior_fraud"] = home["prior_fraud_count"].fillna(0) + frame["labelled_frauds"] > 0
        rules["young_account"] = frame["t"] - home["account_opened_at"] < 30 * DAY
        rules["recently_unblocked"] = unblocked <= 30 * DAY
        rules["cash_category"] = category == "6011"
        rules["risky_category"] = category.isin(["5944", "5999", "5732"])
        rules["new_merchant"] = frame["new_merchant"]
        rules["cash"] = (frame["channel"] == "atm") | (category == "6011")
        rules["manual_entry"] = frame["entry_mode"] == "manual"
        rules = rules.astype(bool)
        rules["points"] = sum(rules[name] * points for name, points in POINTS.items())
        rules.insert(0, "user_id", frame["user_id"])
        rules.insert(1, "transaction_id", frame["transaction_id"])
        return rules

    @staticmethod
    def score(points: int) -> int:
        """The pack's scale by straight lines between its corners, halves up."""
        exact = np.interp(points, [0, 75, 120, 150, 180, 210, 300], [0, 200, 400, 510, 710, 910, 1000])
        return int(np.floor(exact + 0.5))

    def _transactions(self, events: Dicts) -> pd.DataFrame:
        wanted = [{**event, "arrival": at} for at, event in enumerate(events) if event["type"] == "transaction"]
        columns = [
            "arrival", "user_id", "transaction_id", "timestamp", "amount", "currency", "merchant_id",
            "merchant_category", "merchant_country", "channel", "entry_mode", "device_id", "latitude", "longitude",
            "city", "otp_used",
        ]  # fmt: skip
        frame = pd.DataFrame(wanted, columns=columns).rename(columns={"timestamp": "t"})
        frame = frame.drop_duplicates(["user_id", "transaction_id"]).set_index("arrival")
        frame["minor"] = [
            int((Decimal(repr(amount)) * self.rates.get(currency, 1) * 100).to_integral_value(ROUND_HALF_EVEN))
            for amount, currency in zip(frame["amount"], frame["currency"], strict=True)
        ]
        return frame

    def _km_from_home(self, frame: pd.DataFrame) -> pd.Series:
        """Haversine by the half-angle tangent, in numpy."""
        home = self.users.reindex(frame["user_id"])
        degrees = [frame["latitude"], frame["longitude"], home["home_latitude"], home["home_longitude"]]
        latitude, longitude, home_latitude, home_longitude = (np.radians(part.to_numpy(float)) for part in degrees)
        chord = np.sin((latitude - home_latitude) / 2) ** 2
        chord += np.cos(latitude) * np.cos(home_latitude) * np.sin((longitude - home_longitude) / 2) ** 2
        return pd.Series(2 * EARTH_RADIUS_KM * np.arctan2(np.sqrt(chord), np.sqrt(1 - chord)), frame.index)

    def _local_hour(self, frame: pd.DataFrame, zones: pd.Series) -> pd.Series:
        moments = pd.to_datetime(frame["t"], unit="ms", utc=True)
        hours = moments.dt.hour.copy()
        for zone in zones.dropna().unique():
            there = zones == zone
            hours.loc[there] = moments.loc[there].dt.tz_convert(zone).dt.hour
        return hours

    def _device_blocked(self, frame: pd.DataFrame) -> pd.Series:
        blocked = frame["device_id"].isin(self.blocked_devices)
        for entry in self.blocks:
            expires = entry.get("expires_at") or float("inf")
            blocked |= (frame["device_id"] == entry["value"]) & (frame["t"] < expires)
        return blocked

    def _look_back(self, frame: pd.DataFrame, events: Dicts) -> None:
        """Columns that depend on what the same user's stream held before: everything that had arrived by then."""
        others = defaultdict(list)
        for at, event in enumerate(events):
            if event["type"] in ("label", "account_change"):
                others[event["user_id"]].append((at, event))
        parts = [self._one_user(rows, others[user_id]) for user_id, rows in frame.groupby("user_id", sort=False)]
        for name, values in pd.concat(parts).reindex(frame.index).items():
            frame[name] = values
        profile = self.users["last_unblocked_at"].reindex(frame["user_id"]).to_numpy(float)
        frame["unblocked_by_profile"] = np.where(profile <= frame["t"].to_numpy(float), profile, np.nan)

    def _one_user(self, rows: pd.DataFrame, others: list[tuple[int, dict[str, Any]]]) -> pd.DataFrame:
        times, arrivals = rows["t"].to_numpy(), rows.index.to_numpy()
        age = times[:, None] - times[None, :]  # of the column's transaction, seen from the row's
        order = np.arange(len(times))
        arrived = order[None, :] <= order[:, None]
        past = arrived & (age >= 0) & ~np.eye(len(times), dtype=bool)
        out = pd.DataFrame(index=rows.index)
        out["count_1h"] = (arrived & (age >= 0) & (age < HOUR)).sum(axis=1)
        out["count_1d"] = (arrived & (age >= 0) & (age < DAY)).sum(axis=1)
        out["count_before"] = order
        out["total_before"] = rows["minor"].cumsum() - rows["minor"]
        # The last transaction: the greatest time up to now; of equal times the one that came last.
        rank = np.where(past, times[None, :] * len(times) + order[None, :], -1)
        last = rank.argmax(axis=1)
        has_last = past.any(axis=1)
        devices = rows["device_id"].to_numpy(object)
        both = np.array(
            [isinstance(now, str) and isinstance(devices[at], str) for now, at in zip(devices, last, strict=True)]
        )
        out["device_changed"] = has_last & both & (devices != devices[last])
        out["gap"] = np.where(has_last, times - times[last], np.inf)
        out["new_device"] = _first_use(devices, DEVICES_REMEMBERED)
        out["new_merchant"] = _first_use(rows["merchant_id"].to_numpy(object), MERCHANTS_REMEMBERED)
        out["labelled_frauds"] = [_frauds_known(others, at, t) for at, t in zip(arrivals, times, strict=True)]
        out["unblocked_by_change"] = [_unblocked(others, at, t) for at, t in zip(arrivals, times, strict=True)]
        return out


def _time(event: dict[str, Any]) -> int:
    return event["known_at"] if event["type"] == "label" else event["timestamp"]


def _first_use(values: np.ndarray, remembered: int) -> list[bool]:
    """Is each value absent from the last `remembered` different values before it? An absent value is no first use."""
    memory: OrderedDict[str, None] = OrderedDict()
    first = []
    for value in values:
        if not isinstance(value, str):
            first.append(False)
            continue
        first.append(value not in memory)
        memory[value] = None
        memory.move_to_end(value)
        if len(memory) > remembered:
            memory.popitem(last=False)
    return first


def _frauds_known(others: list[tuple[int, dict[str, Any]]], arrival: int, t: int) -> int:
    """Transactions whose newest label so far says fraud, if that label was known at t."""
    newest: dict[str, tuple[int, bool]] = {}
    for at, event in others:
        if at < arrival and event["type"] == "label":
            known = newest.get(event["transaction_id"])
            if known is None or known[0] <= event["known_at"]:
                newest[event["transaction_id"]] = (event["known_at"], event["is_fraud"])
    return sum(is_fraud and known_at <= t for known_at, is_fraud in newest.values())


def _unblocked(others: list[tuple[int, dict[str, Any]]], arrival: int, t: int) -> float:
    moments = [
        event["timestamp"]
        for at, event in others
        if at < arrival and event["type"] == "account_change" and event["timestamp"] <= t
        and event["old_status"] == "blocked" and event["new_status"] == "active"
    ]  # fmt: skip
    return max(moments, default=np.nan)
