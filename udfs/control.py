"""What can be changed while the job runs: versioned elements of the control stream."""

from __future__ import annotations

import msgspec

from udfs.rules.rule_set import RuleSet


class ControlError(ValueError):
    """The element is not valid; the message says why, for whoever published it."""


class RulesControl(msgspec.Struct, tag_field="kind", tag="rules", frozen=True, forbid_unknown_fields=True):
    """A whole rule set, replacing the one in force if its version is higher."""

    rule_set: RuleSet

    @property
    def version(self) -> int:
        return self.rule_set.version


_decode = msgspec.json.Decoder(RulesControl).decode


def decode_control(element: bytes) -> RulesControl:
    """Decode one control element. Raises ControlError."""
    try:
        return _decode(element)
    except Exception as error:  # hostile bytes raise more than msgspec's errors (RecursionError)
        raise ControlError(f"control element: {error}") from None


def element_kind(element: bytes) -> tuple[str, int]:
    """Kind and version of a valid element, for keeping the newest of each kind. Raises ControlError."""
    return "rules", decode_control(element).version
