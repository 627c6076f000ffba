"""Thresholds and settings of decisions."""

from __future__ import annotations

import msgspec

from udfs.records.outputs import Action


class Thresholds(msgspec.Struct, frozen=True):
    """Risk scores above a threshold get its action. Thresholds are in ascending order."""

    refer_above: int
    soft_challenge_above: int
    hard_block_above: int


class DecisionSettings(msgspec.Struct, frozen=True):
    """Settings of decisions besides the bundle. A threshold or `coverage_floor` of None is taken from the bundle.

    `aml_amount`: in major units of the base currency. `flag_alerts`: whether a flag on an allowed payment is an alert (each
    time) or a flag notice (once a day).
    """

    hard_block_above: int | None = None
    soft_challenge_above: int | None = None
    refer_above: int | None = None
    coverage_floor: float | None = None
    aml_amount: float = 100_000.0
    pci_ip_risk_above: float = 80.0
    block_list_action: Action = "hard_block"
    flag_alerts: bool = False
