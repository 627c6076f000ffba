"""Small tables of card payments in the layout of a public generator: habits, bursts of fraud, hostile names.

A fraud is a burst of some hours on one card: mostly late in the evening, at a few kinds of merchants, for more than
others spend there. Legitimate payments follow their holder's favourite categories and hours of the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

CATEGORIES = {
    "grocery_pos": (60, 3.0), "gas_transport": (60, 5.0), "home": (40, 1.2), "shopping_pos": (30, 0.7),
    "kids_pets": (35, 1.1), "shopping_net": (50, 0.7), "entertainment": (55, 1.5), "food_dining": (45, 1.6),
    "misc_pos": (25, 0.8), "misc_net": (40, 0.6), "grocery_net": (50, 3.0), "health_fitness": (45, 1.3),
    "personal_care": (40, 1.2), "travel": (20, 0.5),
}  # fmt: skip
NAMES = tuple(CATEGORIES)
FRAUD_CATEGORIES = {"shopping_net": 950.0, "misc_net": 780.0, "grocery_pos": 310.0, "gas_transport": 12.0}
HOSTILE_MERCHANTS = (
    "Kuhn, Lang & Söhne", 'The "Corner" Shop', "O'Reilly 100% Café", "a b", "a%20b", "Fraud|Pipe; Semi", "東京 商店",
    "Rechtsanwälte Müller, Schmidt, Großmann, Übelacker und Partner Gesellschaft mbH Nord",
    "Rechtsanwälte Müller, Schmidt, Großmann, Übelacker und Partner Gesellschaft mbH Süd", "trailing ",
)  # fmt: skip
JOBS = (
    "Engineer, biomedical",
    "Chef",
    "Psychologist, counselling",
    "Librarian, public",
    "Land/geomatics surveyor",
    "Nurse",
)
STATES = ("NC", "WA", "ID", "MT", "VA", "PA")
LARGE_SHARE = 0.03  # of legitimate payments, which are as large as frauds
DAY_SECONDS = 86_400
FIRST_CARD = 9_000_000_000_000_000_001  # 19 digits: no double holds it


@dataclass(frozen=True)
class Cards:
    """`transactions` in time order and `users`, with the benchmark's columns and some others."""

    transactions: pa.Table
    users: pa.Table


def make_cards(
    seed: int,
    users: int = 150,
    days: int = 56,
    first_day: date = date(2020, 3, 1),
    bursts: float = 0.5,
    rate: float = 1.5,
) -> Cards:
    """`rate` is the mean number of payments per user and day, `bursts` that of fraud bursts per user."""
    random = np.random.default_rng(seed)
    cards = FIRST_CARD + 1000 * seed + np.arange(users)
    home = np.column_stack([random.uniform(30, 47, users), random.uniform(-120, -75, users)])
    favourites = random.dirichlet(np.full(len(NAMES), 0.7), users)
    hour_of_day = random.uniform(10, 20, users)
    start = (first_day - date(1970, 1, 1)).days * DAY_SECONDS

    count = random.poisson(random.gamma(3, rate / 3, users) * days)
    who = np.repeat(np.arange(users), count)
    category = _chosen(random, favourites[who])
    hour = np.mod(random.normal(hour_of_day[who], 3.5), 24)
    second = start + random.integers(0, days, len(who)) * DAY_SECONDS + (hour * 3600).astype(np.int64)
    typical = np.array([amount for amount, _ in CATEGORIES.values()])[category]
    spread = np.array([wide for _, wide in CATEGORIES.values()])[category]
    amount = typical * random.gamma(spread, 1 / spread)
    amount = amount * np.where(random.random(len(who)) < LARGE_SHARE, random.uniform(4, 25, len(who)), 1)

    attacked = np.repeat(np.arange(users), random.poisson(bursts, users))
    size = random.integers(4, 14, len(attacked))
    fraud_who = np.repeat(attacked, size)
    begun = (
        start + random.integers(0, days, len(attacked)) * DAY_SECONDS + random.integers(16, 24, len(attacked)) * 3600
    )
    fraud_second = np.repeat(begun, size) + random.integers(0, 5 * 3600, len(fraud_who))
    targets = [NAMES.index(name) for name in FRAUD_CATEGORIES]
    fraud_category = random.choice(targets, len(fraud_who), p=[0.4, 0.25, 0.25, 0.1])
    fraud_amount = np.array([FRAUD_CATEGORIES.get(name, 0) for name in NAMES])[fraud_category]
    fraud_amount = fraud_amount * random.normal(1, 0.35, len(fraud_who)).clip(0.05)

    is_fraud = np.repeat([False, True], [len(who), len(fraud_who)])
    who, category = np.concatenate([who, fraud_who]), np.concatenate([category, fraud_category])
    second, amount = np.concatenate([second, fraud_second]), np.concatenate([amount, fraud_amount])
    order = np.argsort(second, kind="stable")
    who, category, second, is_fraud = who[order], category[order], second[order], is_fraud[order]
    transactions = pa.table(
        {
            "unnamed": np.arange(len(who)),
            "cc_num": cards[who],
            "trans_num": [f"{seed:04x}{number:028x}" for number in range(len(who))],
            "unix_time": second,
            "category": [NAMES[number] for number in category],
            "merchant": _merchants(random, category),
            "amt": np.maximum(1.0, amount[order]).round(2),
            "merch_lat": (home[who, 0] + random.uniform(-1, 1, len(who))).round(6),
            "merch_long": (home[who, 1] + random.uniform(-1, 1, len(who))).round(6),
            "is_fraud": is_fraud.astype(np.int8),
        }
    )
    return Cards(transactions, _users(random, cards, home))


def _chosen(random: np.random.Generator, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """A category for each row of shares [N, categories]."""
    chosen: npt.NDArray[np.int64] = (random.random((len(shares), 1)) > np.cumsum(shares, axis=1)).sum(axis=1)
    return chosen.clip(0, len(NAMES) - 1)


def _merchants(random: np.random.Generator, category: npt.NDArray[np.int64]) -> list[str]:
    number = random.integers(0, 40, len(category))
    return [
        HOSTILE_MERCHANTS[place] if place < len(HOSTILE_MERCHANTS) else f"fraud_{NAMES[kind]} and Sons {place}"
        for kind, place in zip(category, number, strict=True)
    ]


def _users(random: np.random.Generator, cards: npt.NDArray[np.int64], home: npt.NDArray[np.float64]) -> pa.Table:
    count = len(cards)
    born = random.integers(-14_000, 11_000, count)
    return pa.table(
        {
            "ssn": [f"{number:09d}" for number in range(count)],
            "cc_num": cards,
            "gender": random.choice(["F", "M"], count),
            "city": random.choice(["Moravian Falls", "Orient", "Malad City"], count),
            "state": random.choice(STATES, count),
            "zip": random.integers(10_000, 99_999, count),
            "lat": home[:, 0].round(4),
            "long": home[:, 1].round(4),
            "city_pop": random.integers(50, 2_000_000, count),
            "job": random.choice(JOBS, count),
            "dob": [str(np.datetime64(int(day), "D")) for day in born],
        }
    )
