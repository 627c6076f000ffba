"""A model bundle small enough to train within seconds: its scores mean nothing, but they differ."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np

from models.frame import TrainingFrame
from models.settings import TrainSettings
from models.train import train_bundle
from udfs.features.feature_set import feature_set_of
from udfs.scoring.bundle import content_version, encode_manifest, read_manifest

ROWS = 1_200
MINUTE_MS = 60_000
SETTINGS = TrainSettings(name="tiny", trees=10, depth=3, max_bin=64, autoencoder_rows=500, epochs=1)


def make_tiny_bundle(directory: Path) -> Path:
    """Train on seeded noise in which small values are fraud more often, so that unusual payments aren't all alarming."""
    random = np.random.default_rng(1)
    feature_set = feature_set_of()
    features = random.lognormal(1.0, 1.0, (ROWS, len(feature_set.names))).astype(np.float32)
    labels = random.random(ROWS) < 0.03 + 0.1 * (features[:, 0] < 1.5)
    features[random.random(features.shape) < 0.1] = np.nan
    frame = TrainingFrame(
        features=features,
        names=feature_set.names,
        feature_set_version=feature_set.version,
        labels=labels,
        timestamps_ms=np.arange(ROWS, dtype=np.int64) * MINUTE_MS,
        amounts=np.ones(ROWS),
        user_ids=np.array([f"U{row % 50}" for row in range(ROWS)], dtype=object),
        label_known=np.ones(ROWS, dtype=bool),
        patterns=np.full(ROWS, None, dtype=object),
        groups=feature_set.groups,
    )
    train_bundle(frame, directory, SETTINGS)
    return directory


def renamed_bundle(bundle: Path, folder: Path) -> str:
    """The same bundle under another name, and so of another version, which is returned."""
    shutil.copytree(bundle, folder)
    manifest = msgspec.structs.replace(read_manifest(folder), name="another")
    manifest = msgspec.structs.replace(manifest, version=content_version(manifest))
    (folder / "manifest.json").write_bytes(encode_manifest(manifest))
    return manifest.version
