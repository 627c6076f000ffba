"""Monotonic counters of the scorer, read by the metrics reporter."""

from __future__ import annotations

from typing import Literal

import msgspec

DeadLetterKind = Literal["bad_record", "missing_rate", "amount_out_of_range", "unexpected_error", "control"]
ControlOutcome = Literal["applied", "ignored", "refused"]


class ScorerCounters(msgspec.Struct, gc=False):
    """Counts since the scorer was created. Updated on the operator's thread; a reporter reports the increments.

    `newest_event_ms`: event time of the last transaction (0: none yet). `unknown_codes`: by `<field>=<text>`
    (udfs.records.codes). The other dicts are by dead letter kind, rule id, tag and enrichment status; those
    of rules in shadow by rule set, their hits as SET/RULE.
    """

    late: int = 0
    erased: int = 0
    newest_event_ms: int = 0
    dead_letters: dict[str, int] = {}
    rule_hits: dict[str, int] = {}
    tags: dict[str, int] = {}
    unknown_codes: dict[str, int] = {}
    enrichment: dict[str, int] = {}
    shadow_hits: dict[str, int] = {}
    shadow_differs: dict[str, int] = {}
    shadow_errors: dict[str, int] = {}


def increment(counts: dict[str, int], name: str) -> None:
    """Add 1 to the count of `name`."""
    counts[name] = counts.get(name, 0) + 1
