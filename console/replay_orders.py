"""What the process that replays a decision is told, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from udfs.scoring.settings import ScorerConfig, ScorerPaths

if TYPE_CHECKING:
    from jobs.config.job import JobConfig


class ReplaySource(NamedTuple):
    """What decided. `job`: the running job, whose control stream has what was published; None without one."""

    config: ScorerConfig
    paths: ScorerPaths
    job: JobConfig | None = None


class ReplayOrder(NamedTuple):
    """Which decision of which store; goes to the process as a pickle, as the URL may hold a password. `limit_seconds`: the
    process ends itself after them."""

    store_url: str
    decision_id: str
    source: ReplaySource
    limit_seconds: int


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """One value that differs, as in `fraud replay`. None is not known, or not there."""

    name: str
    recorded: Any
    derived: Any


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a replay. `cannot`: why the decision could not be derived; the rest says nothing then. `events`: of the
    user, that were replayed. `features`: how many were compared; None where the decision has none. `notes`: what may make
    a difference."""

    cannot: str | None = None
    differences: list[Differing] = []
    events: int = 0
    features: int | None = None
    notes: list[str] = []
