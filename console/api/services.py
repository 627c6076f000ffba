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
from console.decides_with import NOT_KNOWN, DecidesWith
from console.measured import Measured
from console.oidc.signing_in import SigningIn
from console.replay_desk import ReplayDesk
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
    wall clock. `store_lag`: records that were answered and are not in the store yet, None where another process writes it;
    raises StoreUnavailable. `decides_with`: what decides now, or what decided the run which is read. `look_again`: has what
    was published be known at once; blocks. `block_list`, `control`: change the running job; None without one, or without its
    control stream. `takes_labels`: whether labels of outcomes are sent. `forget`: has what decides forget a user, and
    returns when that outlasts this process; raises AnswersError. `held`: what others still hold of a user that is forgotten
    now (epoch milliseconds); blocks. `reply_lag_seconds`: how far the job's replies are behind; None without them.
    `measured`: of a console that decides, or sits beside a job. `oidc`: sign-in with a provider, if one is configured.
    `replays`: derives decisions again; None where this console does not know what decided."""

    answers: Answers | None
    store: DecisionStore
    settings: ApiSettings
    versions: Callable[[], Versions]
    now_ms: Callable[[], int]
    metrics: ApiMetrics = field(default_factory=ApiMetrics)
    store_lag: Callable[[], int | None] = lambda: None
    decides_with: Callable[[], DecidesWith] = lambda: NOT_KNOWN
    look_again: Callable[[], None] = lambda: None
    block_list: BlockList | None = None
    takes_labels: bool = False
    control: ControlDesk | None = None
    forget: Callable[[Erasure], Awaitable[None]] | None = None
    held: Callable[[int], list[Held]] = lambda _: []
    reply_lag_seconds: Callable[[], float | None] = lambda: None
    measured: Measured | None = None
    oidc: SigningIn | None = None
    replays: ReplayDesk | None = None

    @property
    def rules(self) -> RuleSet | None:
        """The rule set that decides now; None where it is not known."""
        return self.decides_with().rules

    @property
    def bundle_path(self) -> Path | None:
        """The folder of the bundle that decides now; None where it is not known, or not on this machine."""
        return self.decides_with().bundle_path
