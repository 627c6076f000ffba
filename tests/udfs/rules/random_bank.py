"""A seeded random bank: users, devices, a block list and a stream of raw events with all fields that rules read.

Times lie on a grid of minutes, and some users' amounts on few values, so that limits are often met exactly.
"""

from __future__ import annotations

import random
from typing import Any

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAYS = 60
PLACES = {  # city -> latitude, longitude, country, timezone
    "Boston": (42.36, -71.06, "US", "America/New_York"),
    "Austin": (30.27, -97.74, "US", "America/Chicago"),
    "Berlin": (52.52, 13.40, "DE", "Europe/Berlin"),
    "Mumbai": (19.08, 72.88, "IN", "Asia/Kolkata"),
    "Kathmandu": (27.72, 85.32, "NP", "Asia/Kathmandu"),
    "Sydney": (-33.87, 151.21, "AU", "Australia/Sydney"),
    "São Paulo": (-23.55, -46.63, "BR", "America/Sao_Paulo"),
    "Lagos": (6.52, 3.38, "NG", "Africa/Lagos"),
    "Suva": (-18.14, 178.44, "FJ", "Pacific/Fiji"),
    "Potsdam": (52.40, 13.06, "DE", "Europe/Berlin"),
}
COUNTRIES = ["US", "DE", "IN", "CN", "RU", "NG", "PK", "AE", "ZA", "FR", "BR", "AU"]
CATEGORIES = ["5411", "5812", "6011", "5944", "5999", "5732", "4111"]
CHANNELS = ["pos", "ecommerce", "atm", "upi", "transfer"]
ENTRY_MODES = ["chip", "contactless", "magstripe", "manual", "online"]
RATES = {"EUR": "1.0873", "INR": "0.0119"}
ROUND = [
    1000.0,
    1100.0,
    2500.0,
    5000.0,
    5100.0,
    6000.0,
    49_500.0,
    49_999.99,
    50_000.0,
    199_499.99,
    199_750.5,
    999_999.0,
]
# Ratios of exactly 1.5, 2 and 5, and a tenth of a month's spend; as binary floats some are slightly above.
GRID = [1.12, 1.13, 5.65, 1.48, 2.22, 10.0, 20.0, 50.0, 33.35, 6.67]
SPENDS = [0.0, 11.2, 100.0, 333.5, 500.0, 1000.0, 5000.0]
RISKY_CITIES = ("Lagos", "Suva")
DEVICES_WITH_BLOCK = 40


class RandomBank:
    """`events` are dicts in order of arrival; `users`, `devices` and `block_list` as in the reference files."""

    def __init__(self, seed: int, users: int, transactions: int) -> None:
        self._random = random.Random(seed)
        self.users = {f"U{number}": self._user(number) for number in range(users)}
        profiles = {user_id: user for number, (user_id, user) in enumerate(self.users.items()) if number % 29}
        self.devices = {
            f"D{number}": {"device_id": f"D{number}", "blacklisted": self._random.choice([True, False, None])}
            for number in range(DEVICES_WITH_BLOCK)
        }
        self.block_list = [
            {"type": kind, "value": f"D{number}", **({"expires_at": START + 40 * DAY} if number % 2 else {})}
            for number, kind in enumerate(["device", "device", "merchant", "device", "user"], start=DEVICES_WITH_BLOCK)
        ]
        share = transactions / users
        events: list[tuple[int, dict[str, Any]]] = []
        for number, user_id in enumerate(self.users):
            count = round(share * 12) if number % 300 == 7 else round(share * self._random.uniform(0.4, 1.5))
            events += self._life(number, user_id, count)
        self.events = [event for _, event in sorted(events, key=lambda item: item[0])]
        self.users = profiles

    def _user(self, number: int) -> dict[str, Any]:
        pick = self._random
        city = pick.choice(list(PLACES))
        latitude, longitude, country, timezone = PLACES[city]
        user = {
            "user_id": f"U{number}",
            "home_latitude": latitude, "home_longitude": longitude, "home_country": country, "timezone": timezone,
            "account_opened_at": START + pick.randint(-60, 40) * DAY + pick.randint(0, 300) * MINUTE,
            "avg_monthly_spend": pick.choice(SPENDS),
            "prior_fraud_count": pick.choice([0] * 18 + [1, 3]),
            "last_unblocked_at": START + pick.randint(-40, 60) * DAY,
        }  # fmt: skip
        for field in list(user)[1:]:
            if pick.random() < (0.6 if field == "last_unblocked_at" else 0.1):
                del user[field]
        if "home_latitude" not in user or "home_longitude" not in user:
            user.pop("home_latitude", None)
            user.pop("home_longitude", None)
        return user

    def _life(self, number: int, user_id: str, count: int) -> list[tuple[int, dict[str, Any]]]:
        pick = self._random
        many = number % 300 == 7
        devices = [f"D{pick.randrange(1000)}" for _ in range(40 if many else pick.randint(1, 4))]
        merchants = [f"M{pick.randrange(900)}" for _ in range(150 if many else pick.randint(5, 50))]
        home = self._home_city(user_id)
        events: list[tuple[int, dict[str, Any]]] = []
        t = START + pick.randrange(5 * DAY) // MINUTE * MINUTE
        mean_gap = DAYS * DAY / max(1, count)
        for index in range(count):
            t += self._gap(mean_gap)
            event = self._transaction(f"{user_id}-{index}", user_id, t, number, devices, merchants, home)
            arrival = t
            if pick.random() < 0.03:  # late arrival
                arrival = t + pick.choice([30 * MINUTE, HOUR, 20 * HOUR])
            events.append((arrival, event))
            if pick.random() < 0.01:
                events.append((arrival + pick.randint(0, HOUR), event))  # sent twice
            if pick.random() < (0.15 if event.get("city") in RISKY_CITIES else 0.02):
                events += self._labels(event)
        if pick.random() < 0.2:
            changed = START + pick.randrange(DAYS * DAY) // MINUTE * MINUTE
            events += [
                (changed, self._change(f"{user_id}-b", user_id, changed, "active", "blocked")),
                (changed + DAY, self._change(f"{user_id}-u", user_id, changed + DAY, "blocked", "active")),
            ]
        return events

    def _home_city(self, user_id: str) -> str:
        timezone = self.users[user_id].get("timezone")
        return next((city for city, place in PLACES.items() if place[3] == timezone), "Boston")

    def _gap(self, mean_gap: float) -> int:
        draw = self._random.random()
        if draw < 0.45:
            return self._random.choice([0, 5, 10, 20, 30, 31, 60, 24 * 60]) * MINUTE
        return int(self._random.expovariate(0.55 / mean_gap)) // MINUTE * MINUTE

    def _transaction(
        self, name: str, user_id: str, t: int, number: int, devices: list[str], merchants: list[str], home: str
    ) -> dict[str, Any]:
        pick = self._random
        city = home if pick.random() < 0.8 else pick.choice(list(PLACES))
        latitude, longitude, country, _ = PLACES[city]
        event = {
            "type": "transaction", "transaction_id": name, "user_id": user_id, "timestamp": t,
            "amount": self._amount(number),
            "currency": pick.choice(["USD", "USD", "EUR", "INR"]) if number % 5 else "USD",
            "merchant_id": pick.choice(merchants),
            "merchant_category": pick.choice(CATEGORIES),
            "merchant_country": country if pick.random() < 0.7 else pick.choice(COUNTRIES),
            "channel": pick.choice(CHANNELS),
            "entry_mode": pick.choice(ENTRY_MODES),
            "device_id": devices[0] if pick.random() < 0.6 else pick.choice(devices),
            "latitude": round(latitude + pick.gauss(0, 0.3), 4),
            "longitude": round(max(-180.0, min(180.0, longitude + pick.gauss(0, 0.3))), 4),
            "city": city,
            "country": country,
            "otp_used": pick.random() < 0.6,
        }  # fmt: skip
        for field in list(event)[5:]:
            if pick.random() < 0.08:
                del event[field]
        if "latitude" not in event or "longitude" not in event:
            event.pop("latitude", None)
            event.pop("longitude", None)
        return event

    def _amount(self, number: int) -> float:
        pick = self._random
        if pick.random() < 0.05:
            return pick.choice(ROUND)
        if number % 5 == 0:
            return pick.choice(GRID)
        return round(pick.lognormvariate(4, 1.2), 2)

    def _labels(self, event: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
        pick = self._random
        known_at = event["timestamp"] + pick.randint(1, 10) * DAY
        label = {
            "type": "label", "event_id": f"L{event['transaction_id']}", "transaction_id": event["transaction_id"],
            "user_id": event["user_id"], "timestamp": event["timestamp"], "known_at": known_at,
            "is_fraud": pick.random() < 0.4,
        }  # fmt: skip
        labels = [(known_at, label)]
        if pick.random() < 0.2:  # corrected later
            later = known_at + pick.randint(1, 5) * DAY
            labels.append((later, {**label, "known_at": later, "is_fraud": not label["is_fraud"]}))
        return labels

    def _change(self, event_id: str, user_id: str, t: int, old: str, new: str) -> dict[str, Any]:
        return {
            "type": "account_change", "event_id": event_id, "user_id": user_id, "timestamp": t, "old_status": old,
            "new_status": new,
        }  # fmt: skip
