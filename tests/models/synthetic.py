"""A seeded training frame with missing values, heavy tails, flags, a constant column and correlations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.frame import TrainingFrame
from models.settings import TrainSettings

NAMES = (
    "amount", "amount_ratio", "count_1h", "count_1d", "distance_km", "speed_kmh",
    "new_device", "new_merchant", "balance_change", "always_one", "never_known", "sign",
)  # fmt: skip
GROUPS = {"device": (6,), "location": (4, 5), "merchant": (7,), "profile": (1, 8)}
FEATURE_SET_VERSION = "synthetic-1"
START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
LABEL_DELAY_MS = 600 * MINUTE_MS
TINY = TrainSettings(name="tiny", trees=25, depth=4, max_bin=256, autoencoder_rows=2_000, epochs=4)


def synthetic_frame(rows: int = 4_000, seed: int = 1, fraud_share: float = 0.06) -> TrainingFrame:
    """One transaction per minute by one of 50 users, not in order of time.

    The pattern "takeover" raises several features; "odd_balance" breaks a correlation without a high value.
    """
    random = np.random.default_rng(seed)
    drawn = random.random(rows)
    takeover = drawn < fraud_share * 0.7
    odd = (drawn >= fraud_share * 0.7) & (drawn < fraud_share)
    amount = np.exp(random.normal(3, 1, rows) + takeover * random.normal(0.8, 0.5, rows))
    count_1h = random.poisson(1 + 2.0 * takeover)
    distance = np.exp(random.normal(2, 1.5, rows) + 1.0 * takeover)
    balance = -amount * np.exp(random.normal(0, 0.05, rows))
    columns = {
        "amount": amount,
        "amount_ratio": amount / np.exp(random.normal(3, 0.3, rows)),
        "count_1h": count_1h,
        "count_1d": count_1h + random.poisson(4, rows),
        "distance_km": distance,
        "speed_kmh": distance * random.uniform(0.5, 20, rows),
        "new_device": random.random(rows) < np.where(takeover, 0.5, 0.03),
        "new_merchant": random.random(rows) < 0.2,
        "balance_change": np.where(odd, -balance, balance),
        "always_one": np.ones(rows),
        "never_known": np.full(rows, np.nan),
        "sign": random.integers(-1, 2, rows),
    }
    features = np.column_stack([columns[name] for name in NAMES]).astype(np.float32)
    for name, share in (("distance_km", 0.2), ("speed_kmh", 0.3), ("sign", 0.1), ("amount_ratio", 0.05)):
        features[random.random(rows) < share, NAMES.index(name)] = np.nan
    patterns = np.full(rows, None, object)
    patterns[takeover] = "takeover"
    patterns[odd] = "odd_balance"
    order = random.permutation(rows)
    return TrainingFrame(
        features=features[order],
        names=NAMES,
        feature_set_version=FEATURE_SET_VERSION,
        labels=(takeover | odd)[order],
        timestamps_ms=(START_MS + MINUTE_MS * np.arange(rows))[order],
        amounts=amount[order],
        user_ids=np.array([f"u{number}" for number in random.integers(0, 50, rows)]),
        label_known=np.ones(rows, bool),
        patterns=patterns[order],
        description={"source": "synthetic", "seed": seed},
        groups=GROUPS,
    )


def awkward_rows(rows: int, width: int, seed: int = 5) -> npt.NDArray[np.float32]:
    """Values of all magnitudes and both signs, zeros of both signs, NaN and infinities."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, width)) * 10.0 ** random.integers(-6, 9, (rows, width))
    kind = random.random((rows, width))
    for upper, special in ((0.02, np.inf), (0.04, -np.inf), (0.2, np.nan), (0.3, 0.0), (0.35, -0.0), (0.4, 1.0)):
        values[(kind < upper) & (kind >= 0)] = special
        kind[kind < upper] = -1
    return values.astype(np.float32)
