"""Merchant categories (MCC of ISO 18245) with their sales channels and amount scales."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PHYSICAL, ONLINE, CASH, TRANSFER = range(4)


class Category(NamedTuple):
    """`amount_scale` multiplies a user's amounts; the weights are the category's relative numbers of merchants."""

    code: str
    amount_scale: float
    physical_weight: float
    online_weight: float
    risky: bool = False


CATEGORIES: tuple[Category, ...] = (
    Category("5411", 1.1, 10.0, 2.0),
    Category("5812", 0.9, 9.0, 1.0),
    Category("5814", 0.35, 8.0, 2.0),
    Category("5541", 1.1, 5.0, 0.0),
    Category("5912", 0.6, 4.0, 1.5),
    Category("4111", 0.12, 2.0, 1.0),
    Category("4121", 0.45, 2.0, 3.0),
    Category("5311", 1.6, 3.0, 4.0),
    Category("5651", 1.6, 4.0, 6.0),
    Category("5732", 4.0, 1.5, 4.0, True),
    Category("5816", 0.3, 0.0, 5.0),
    Category("5942", 0.5, 1.0, 3.0),
    Category("5944", 6.0, 0.8, 1.0, True),
    Category("5999", 1.2, 3.0, 5.0),
    Category("7011", 4.5, 1.5, 2.0),
    Category("4511", 7.0, 0.0, 2.0),
    Category("4900", 2.2, 0.0, 2.5),
    Category("7832", 0.5, 1.0, 1.0),
    Category("7995", 1.8, 0.3, 1.5, True),
    Category("6051", 3.0, 0.0, 0.8, True),
    Category("6011", 2.5, 0.0, 0.0),
    Category("4829", 4.0, 0.0, 0.0, True),
)

CODES = tuple(category.code for category in CATEGORIES)
AMOUNT_SCALE = np.array([category.amount_scale for category in CATEGORIES])
PHYSICAL_WEIGHT = np.array([category.physical_weight for category in CATEGORIES])
ONLINE_WEIGHT = np.array([category.online_weight for category in CATEGORIES])
RISKY = np.array([category.risky for category in CATEGORIES])
CASH_CATEGORY = CODES.index("6011")
TRANSFER_CATEGORY = CODES.index("4829")


def category_indexes(*categories: str) -> tuple[int, ...]:
    """Indexes in CATEGORIES of the given MCCs."""
    return tuple(CODES.index(code) for code in categories)
