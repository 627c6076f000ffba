"""What the catalogue says of one feature."""

from __future__ import annotations

import msgspec


class Feature(msgspec.Struct, frozen=True):
    """A named number of a transaction. A change of the formula raises its version, and so the feature set's.

    `groups` are the groups of input fields (udfs.features.groups) without any of which it is NaN.
    """

    name: str
    unit: str
    formula: str
    version: int = 1
    groups: tuple[str, ...] = ()


WINDOWS = (("5m", "5 minutes"), ("1h", "1 hour"), ("1d", "1 day"))
