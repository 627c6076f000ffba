"""What rule sets in shadow would have done, of the newest decisions: rules that do not count yet, and candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock

import msgspec
from sqlalchemy import select

from console.store.encoding import Body
from console.store.engine import Database
from console.store.tables import decisions
from udfs.records.outputs import ACTIONS
from udfs.values.wilson import Interval, wilson_interval

NEWEST = 3_000
KEEP_MS = 60_000
DAY_MS = 86_400_000
_decode_body = msgspec.json.Decoder(Body).decode


class ShadowResult(msgspec.Struct, frozen=True, kw_only=True):
    """One set in shadow. `decisions`: that evaluated it; `same`: those with the action that was decided; `failed`: without
    an action. `would`, `did`: decisions by action, of the set and as decided. `stricter`, `milder`: by the order of
    actions. `days`: from the first to the last of them, at least one hour. `hits`: by rule."""

    name: str
    version: int
    decisions: int
    same: int
    failed: int
    stricter: int
    milder: int
    would: dict[str, int]
    did: dict[str, int]
    days: float
    hits: dict[str, int]

    @property
    def agreement(self) -> float | None:
        judged = self.decisions - self.failed
        return self.same / judged if judged else None

    @property
    def interval(self) -> Interval | None:
        judged = self.decisions - self.failed
        return wilson_interval(self.same, judged) if judged else None

    @property
    def alerts_a_day(self) -> float:
        """Decisions a day with an action other than allow."""
        return sum(count for action, count in self.would.items() if action != "allow") / self.days

    @property
    def alerts_a_day_decided(self) -> float:
        return sum(count for action, count in self.did.items() if action != "allow") / self.days


class ShadowResults:
    """Reads results, and keeps them for a while. Thread-safe."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._lock = Lock()
        self._kept: tuple[int, dict[str, ShadowResult]] | None = None

    def of_all(self) -> dict[str, ShadowResult]:
        """By the name of the set, each of its newest version among the NEWEST decisions of the store."""
        with self._lock:
            now_ms = self._now_ms()
            if self._kept is None or not 0 <= now_ms - self._kept[0] < KEEP_MS:
                self._kept = now_ms, self._read()
            return self._kept[1]

    def _read(self) -> dict[str, ShadowResult]:
        columns = decisions.c
        newest = (
            select(columns.event_time_ms, columns.body)
            .order_by(columns.event_time_ms.desc(), columns.decision_id.desc())
            .limit(NEWEST)
        )
        tallies: dict[str, _Tally] = {}
        with self._database.read() as connection:
            for at_ms, body in connection.execute(newest):
                decoded = _decode_body(body)
                for shadow in decoded.shadow:
                    tally = tallies.setdefault(shadow.set, _Tally(shadow.version))
                    if shadow.version == tally.version:
                        tally.add(at_ms, decoded.action, shadow.action, shadow.hits)
        return {name: tally.result(name) for name, tally in tallies.items()}


class _Tally:
    def __init__(self, version: int) -> None:
        self.version = version
        self.decisions = self.same = self.failed = self.stricter = self.milder = 0
        self.would: Counter[str] = Counter()
        self.did: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.first_ms = self.last_ms = 0

    def add(self, at_ms: int, decided: str, would: str | None, hits: list[str]) -> None:
        self.last_ms = max(self.last_ms, at_ms)
        self.first_ms = at_ms if not self.decisions else min(self.first_ms, at_ms)
        self.decisions += 1
        self.did[decided] += 1
        self.hits.update(hits)
        if would is None:
            self.failed += 1
            return
        self.would[would] += 1
        self.same += would == decided
        if would in ACTIONS and decided in ACTIONS:
            self.stricter += ACTIONS.index(would) > ACTIONS.index(decided)
            self.milder += ACTIONS.index(would) < ACTIONS.index(decided)

    def result(self, name: str) -> ShadowResult:
        return ShadowResult(
            name=name, version=self.version, decisions=self.decisions, same=self.same, failed=self.failed,
            stricter=self.stricter, milder=self.milder, would=dict(self.would), did=dict(self.did),
            days=max(self.last_ms - self.first_ms, 3_600_000) / DAY_MS, hits=dict(self.hits),
        )  # fmt: skip
