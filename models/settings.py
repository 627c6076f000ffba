"""What may be chosen about a training run. Defaults are those of the shipped bundle."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from models.decision_budget import Budget, FalsePositiveRate
from models.reasons_graph import Reasons

Progress = Callable[[str, float], None]
"""Told what is being done, in words, and how far the whole run is, from 0 to 1."""


def no_progress(stage: str, fraction: float) -> None:
    """For callers that show nothing."""


class TrainSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Fractions are of all rows, in order of time; what they leave is the evaluation slice.

    With a period (`models.period`) there is no evaluation slice: its last `calibration_share` of time calibrates.
    Frauds of `left_out_patterns` are kept from training and blending, to see what the ensemble makes of the unseen.
    `alert_budgets` are users an analyst can check a day; each gets a threshold. `reasons` are quick or exact
    (`models.reasons_graph`). With `stop_early` no more trees are grown than the later slice rewards. A `sparse_share` of
    the rows is learned from again without some groups of features, each such copy counting `sparse_weight` of a row
    (`models.sparse_views`). `budget` is what thresholds are chosen for, `coverage_floor` the share of the model's
    importance that must be known for more than a referral. `unusual_share_of_alerts` is what part of the alerts may be
    raised for nothing but being unusual. The `generalist_trees` (`models.generalist`) learn from all frauds and
    `generalist_rows` others, and count `generalist_weight` beside the autoencoder (None: learned by leaving out one known
    pattern at a time, `models.unseen_weight`). `why` says in words why the trees' settings were taken.
    """

    name: str = "default"
    seed: int = 0
    training_fraction: float = 0.6
    blending_fraction: float = 0.2
    calibration_share: float = 0.3
    left_out_patterns: tuple[str, ...] = ()
    alert_budgets: tuple[int, ...] = (50, 100, 200)

    trees: int = 200
    depth: int = 5
    learning_rate: float = 0.1
    column_fraction: float = 0.5
    row_fraction: float = 1.0
    leaf_penalty: float = 1.0
    max_bin: int = 4096
    stop_early: bool = False
    sparse_share: float = 0.5
    sparse_weight: float = 0.5
    why: str = "as given"

    generalist_trees: int = 80
    generalist_rows: int = 30_000
    generalist_weight: float | None = None
    unusual_share_of_alerts: float = 0.1

    hidden_layers: tuple[int, ...] = (32, 16, 8, 16, 32)
    autoencoder_rows: int = 60_000
    epochs: int = 30

    blend_penalty: float = 1.0
    budget: Budget = FalsePositiveRate()
    coverage_floor: float = 0.4
    reasons: Reasons = "path"

    @classmethod
    def short_period(cls, name: str = "default", seed: int = 0) -> TrainSettings:
        """For a week or so with some hundred frauds: slower, shallower trees on samples of rows.

        Chosen on weeks of the handbook data that end before the benchmark's (docs/models.md).
        """
        return cls(name=name, seed=seed, depth=4, learning_rate=0.05, row_fraction=0.8)

    @classmethod
    def quick(cls, name: str = "quick", seed: int = 0) -> TrainSettings:
        """A bundle of the same shape in a fraction of the time, for a first look and for tests."""
        return cls(name=name, seed=seed, trees=50, max_bin=256, autoencoder_rows=10_000, epochs=5, generalist_trees=30)
