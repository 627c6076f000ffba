"""What the scorer counts beside its outputs, for the metrics. Plain numbers that only grow; whoever reports them
remembers how far it has come."""

from __future__ import annotations

from typing import Literal

import msgspec

DeadLetterKind = Literal["bad_record", "missing_rate", "amount_out_of_range", "unexpected_error", "control"]
ControlOutcome = Literal["applied", "ignored", "refused"]


class Tally(msgspec.Struct, gc=False):
    """State of the counting, since the scorer was made. `newest_event_ms` is that of the newest record; 0: none yet.
    `unknown_codes` by `<field>=<text>` (udfs.codes)."""

    late: int = 0
    newest_event_ms: int = 0
    dead_letters: dict[str, int] = {}
    rule_hits: dict[str, int] = {}
    tags: dict[str, int] = {}
    unknown_codes: dict[str, int] = {}
    enrichment: dict[str, int] = {}


def count(counts: dict[str, int], name: str) -> None:
    """One more of this name."""
    counts[name] = counts.get(name, 0) + 1
