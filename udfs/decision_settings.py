"""By which thresholds is decided."""

from __future__ import annotations

import msgspec

from udfs.outputs import Action


class DecisionSettings(msgspec.Struct, frozen=True):
    """Scores above a threshold get its action. `aml_amount` is in major units of the base currency."""

    hard_block_above: int = 900
    soft_challenge_above: int = 700
    refer_above: int = 500
    aml_amount: float = 100_000.0
    pci_ip_risk_above: float = 80.0
    block_list_action: Action = "hard_block"
