"""The reasons of compliance flags."""

from __future__ import annotations

from udfs.records.outputs import Flag, Reason


def flag_reasons(flags: dict[Flag, str]) -> list[Reason]:
    """One reason a flag, with weight 0, as flags do not contribute to the score."""
    return [Reason("flag", flag, f"{flag}: {why}", 0.0) for flag, why in flags.items()]
