"""By which thresholds is decided."""

from __future__ import annotations

import msgspec

from udfs.outputs import Action


class Thresholds(msgspec.Struct, frozen=True):
    """Risk scores above a threshold get its action; they ascend."""

    refer_above: int
    soft_challenge_above: int
    hard_block_above: int


class DecisionSettings(msgspec.Struct, frozen=True):
    """What is decided by beside the bundle. Of the thresholds and of `coverage_floor` None means: the bundle's own.

    `aml_amount` is in major units of the base currency. With `flag_alerts` a
    flag without an action is an alert, each time; otherwise it goes to the flags, once a day.
    """

    hard_block_above: int | None = None
    soft_challenge_above: int | None = None
    refer_above: int | None = None
    coverage_floor: float | None = None
    aml_amount: float = 100_000.0
    pci_ip_risk_above: float = 80.0
    block_list_action: Action = "hard_block"
    flag_alerts: bool = False


def thresholds_in_force(settings: DecisionSettings, of_bundle: Thresholds) -> Thresholds:
    """The fixed thresholds; for those that are not given the bundle's, moved only as far as they must to ascend."""
    refer, challenge, block = settings.refer_above, settings.soft_challenge_above, settings.hard_block_above
    if refer is None:
        refer = min(given for given in (of_bundle.refer_above, challenge, block) if given is not None)
    if challenge is None:
        challenge = max(of_bundle.soft_challenge_above, refer)
        if block is not None:
            challenge = min(challenge, block)
    if block is None:
        block = max(of_bundle.hard_block_above, challenge)
    return Thresholds(refer, challenge, block)
