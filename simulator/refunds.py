"""Draws legitimate refunds and reversals of earlier purchases."""

from __future__ import annotations

import numpy as np

from simulator.choice import Array
from simulator.config import DAY_MS
from simulator.transactions import (
    APPROVED,
    ECOMMERCE,
    NONE,
    NOT_FRAUD,
    POS,
    REFUND,
    REVERSAL,
    Transactions,
)
from simulator.world import World

REVERSAL_SHARE = 0.15
MEDIAN_DAYS, SPREAD = 4.0, 0.9
FULL_SHARE = 0.7
SAME_DEVICE_SHARE = 0.5


def draw_refunds(world: World, rng: np.random.Generator, purchases: Transactions) -> tuple[Transactions, Array]:
    """Refunds of a share of the purchases, and the refunded rows (int64, distinct).

    A reversal follows within an hour for the full amount; a refund follows after days, in full or in part.
    """
    wanted = int(world.config.refund_share * len(purchases))
    refundable = (purchases.pattern == NOT_FRAUD) & (purchases.auth_result == APPROVED)
    refundable &= (purchases.channel == POS) | (purchases.channel == ECOMMERCE)
    candidates = np.flatnonzero(refundable)
    rows = rng.choice(candidates, min(wanted, len(candidates)), replace=False)
    reverses = rng.random(len(rows)) < REVERSAL_SHARE
    days = MEDIAN_DAYS * np.exp(SPREAD * rng.standard_normal(len(rows)))
    wait_ms = np.where(reverses, rng.integers(20_000, 3_600_000, len(rows)), (days * DAY_MS).astype(np.int64))
    in_time = purchases.timestamp_ms[rows] + wait_ms < world.config.end_ms
    rows, reverses, wait_ms = rows[in_time], reverses[in_time], wait_ms[in_time]
    refunds = purchases.take(rows)
    refunds.timestamp_ms += wait_ms
    in_full = reverses | (rng.random(len(rows)) < FULL_SHARE)
    part = np.where(in_full, 1.0, rng.uniform(0.1, 0.95, len(rows)))
    refunds.amount_minor[:] = np.maximum(1, np.rint(refunds.amount_minor * part))
    refunds.kind[:] = np.where(reverses, REVERSAL, REFUND)
    from_shop = reverses | (rng.random(len(rows)) >= SAME_DEVICE_SHARE)
    for column in (refunds.device, refunds.address):
        column[from_shop] = NONE
    refunds.logs_in[from_shop] = False
    refunds.otp[:] = np.where(refunds.otp == NONE, NONE, 0)
    return refunds, rows
