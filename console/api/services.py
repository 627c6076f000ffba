"""What the routes work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from console.answers.port import Answers
from console.api.metrics import ApiMetrics
from console.cases.block_list import BlockList
from console.control_desk import ControlDesk
from console.rules.in_force import InForceRules
from console.settings import ApiSettings
from console.store.held import Held
from console.store.store import DecisionStore
from udfs.records.events import Erasure
from udfs.rules.rule_set import RuleSet


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What decides now: `answers` how, `bundle` and `feature_set` their versions. Null where nothing is decided."""

    program: str
    answers: str | None = None
    bundle: str | None = None
    bundle_name: str | None = None
    feature_set: str | None = None
    rules: str | None = None
    rules_version: int | None = None


@dataclass(frozen=True)
class Services:
    """What the routes work with. `answers`: None where this console only reads. `versions`: what decides now. `now_ms`: the
    wall clock. `rules`: the rule set that decides, or that decided the run which is read; None where that is not known here.
    `bundle_path`: the folder of the bundle, likewise. `deciding`: these two and what decides beside them, where no control
    stream tells it. `store_lag`: records that were answered and are not in the store yet,
    None where another process writes it; raises StoreUnavailable. `block_list`, `control`: change the running job; None
    without one, or without its control stream. `takes_labels`: whether labels of outcomes are sent. `forget`: has what
    decides forget a user, and returns when that outlasts this process; raises AnswersError. `held`: what others still hold
    of a user that is forgotten now (epoch milliseconds); blocks."""

    answers: Answers | None
    store: DecisionStore
    settings: ApiSettings
    versions: Callable[[], Versions]
    now_ms: Callable[[], int]
    rules: RuleSet | None = None
    metrics: ApiMetrics = field(default_factory=ApiMetrics)
    store_lag: Callable[[], int | None] = lambda: None
    bundle_path: Path | None = None
    deciding: InForceRules = InForceRules()
    block_list: BlockList | None = None
    takes_labels: bool = False
    control: ControlDesk | None = None
    forget: Callable[[Erasure], Awaitable[None]] | None = None
    held: Callable[[int], list[Held]] = lambda _: []

    def rules_in_force(self) -> InForceRules:
        """By the control stream, or else what was told at the start. Raises ChannelError."""
        return self.deciding if self.control is None else self.control.in_force()
