"""Settings of a training run. Defaults are those of the shipped bundle."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from models.decision_budget import Budget, FalsePositiveRate
from models.reasons_graph import Reasons

Progress = Callable[[str, float], None]
"""Called with a text for the current stage and the fraction of the whole run, 0 to 1."""


def no_progress(stage: str, fraction: float) -> None:
    """Progress callback that does nothing."""


class TrainSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a training run.

    training_fraction, blending_fraction: shares of all rows in order of time; the rest is the evaluation slice.
    calibration_share: with a period (`models.period`), the share of its time that calibrates; no evaluation slice then.
    left_out_patterns: fraud patterns excluded from training and blending, to measure unseen fraud.
    alert_budgets: users that analysts can check per day; a threshold is computed for each.
    stop_early: early stopping of the trees on the later slice.
    sparse_share, sparse_weight: share of rows with a copy without some feature groups, and the weight of a copy
        (`models.sparse_views`).
    late_share: share of rows with a copy as of a payment that arrived days late (`models.late_copies`), of that weight.
    why: text for the model card, the reason for the trees' settings.
    generalist_trees, generalist_rows: number of trees and of sampled legitimate rows (`models.generalist`).
    generalist_weight: weight beside the autoencoder; None: learned by leaving out one known pattern at a time
        (`models.unseen_weight`).
    unusual_share_of_alerts: maximum share of alerts that are raised only for being unusual.
    budget: what thresholds are chosen for. coverage_floor: minimum known importance for actions above a referral.
    reasons: fast or exact contributions (`models.reasons_graph`).
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
    late_share: float = 0.1
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
        """For about a week of data with some hundred frauds: a lower rate and shallower trees on samples of rows.

        Chosen on weeks of the handbook data before those of the benchmark (docs/models.md).
        """
        return cls(name=name, seed=seed, depth=4, learning_rate=0.05, row_fraction=0.8)

    @classmethod
    def quick(cls, name: str = "quick", seed: int = 0) -> TrainSettings:
        """A bundle of the same shape in a fraction of the time, for demos and tests."""
        return cls(name=name, seed=seed, trees=50, max_bin=256, autoencoder_rows=10_000, epochs=5, generalist_trees=30)
