"""A random stream for each part of the simulation, so that changes in one part do not affect the draws of others."""

from __future__ import annotations

from zlib import crc32

import numpy as np


class RandomStreams:
    """Creates independent generators from one seed by name (by CRC-32, which unlike hash() is stable across processes)."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, part: str) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(crc32(part.encode()),)))
