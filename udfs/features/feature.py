"""The definition of a feature: name, unit, formula, words and signal, as the core declares it."""

from __future__ import annotations

import msgspec

from udfs.core import _native
from udfs.features.signal import Signal
from udfs.features.words import Words


class Feature(msgspec.Struct, frozen=True):
    """Definition of one value that a family of the core computes.

    `words`: texts for analysts. `signal`: the concept that the value is evidence of, and the direction that raises the
    risk. `version`: to be increased with every change of the formula; changes the version of the feature set.
    `groups`: input groups (udfs.features.groups) that the value needs; it is NaN if any of them is absent. `family`: the
    file of udfs/core/src/features that computes it.
    """

    name: str
    unit: str
    formula: str
    words: Words
    signal: Signal
    version: int = 1
    groups: tuple[str, ...] = ()
    family: str = ""

    def in_words(self, value: float, currency: str = "", is_low: bool = False) -> str:
        """The value in the core's words, e.g. `amount 5.2x this user's mean`; money is in `currency`.

        `is_low` selects a number's words for a low value, if there are any. A flag's words depend on its value only.
        """
        is_raised_by_0 = self.signal.direction == "false"
        return _native.in_words(msgspec.structs.astuple(self.words), is_raised_by_0, value, currency, is_low)
