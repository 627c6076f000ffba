"""Decisions by the scorer in this process, with its users' states in a local SQLite log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

import msgspec

from client.errors import CannotOpen, EventRefused, FraudDetectorError, OtherContent, Unavailable
from client.port import Outcome
from client.results import Erased, Held, Prediction
from client.settings import EmbeddedSettings
from console.answers import port
from console.answers.embedded import EmbeddedAnswers
from console.answers.embedded_log import EmbeddedLogError
from console.store.held import held_by_running_log
from models.default_bundle import DEFAULT_BUNDLE
from udfs.core._native import decision_id
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.dead_letter import DeadLetterFormat
from udfs.records.events import Erasure
from udfs.scoring.factory import OPENING_ERRORS
from udfs.scoring.settings import ScorerConfig, ScorerPaths

_OF_ANSWER = ("user_id", "transaction_id", "action", "risk_score", "repeated", "degraded")
_OF_DECISION = (
    "probability", "coverage", "tags", "flags", "summary", "reasons", "model", "rules", "enrichment", "late",
)  # fmt: skip


class EmbeddedTransport:
    """See the port. One process at a time may have a log open."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self._loading: asyncio.Task[EmbeddedAnswers] | None = None

    async def open(self) -> None:
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(_open, self._settings))
        try:
            await asyncio.shield(self._loading)  # who opens may be cancelled: the log is in use all the same
        except Exception:
            self._loading = None
            raise

    async def decide(self, payload: bytes) -> Prediction:
        outcome = await self._outcome(payload)
        if isinstance(outcome, FraudDetectorError):
            raise outcome
        return outcome

    async def decide_many(self, payloads: Sequence[bytes]) -> list[Outcome]:
        return await asyncio.gather(*(self._outcome(payload) for payload in payloads))

    async def accept(self, payload: bytes) -> str:
        try:
            return await self._answers.accept(payload)
        except port.AnswersError as error:
            raise _error_of(error) from None

    async def erase(self, user_id: str) -> Erased:
        erasure = Erasure(event_id=f"erasure-{token_hex(8)}", user_id=user_id, timestamp=SYSTEM_CLOCKS.wall_ms())
        try:
            await self._answers.erase(erasure)
        except port.AnswersError as error:
            raise _error_of(error) from None
        held = held_by_running_log(Path(self._settings.log))
        return Erased(
            event_id=erasure.event_id,
            is_forgotten=True,
            held=tuple(Held(one.where, one.what, one.until_ms) for one in held),
        )

    async def close(self) -> None:
        if self._loading is not None and not self._loading.cancelled():
            await (await self._loading).close()

    @property
    def _answers(self) -> EmbeddedAnswers:
        assert self._loading is not None
        return self._loading.result()

    async def _outcome(self, payload: bytes) -> Outcome:
        try:
            return _prediction_of(await self._answers.decide(payload))
        except port.AnswersError as error:
            return _error_of(error)


def _open(settings: EmbeddedSettings) -> EmbeddedAnswers:
    """Blocks while loading. Raises CannotOpen."""
    paths = ScorerPaths(
        bundle=str(settings.bundle or DEFAULT_BUNDLE),
        rules=settings.rules,
        lists=_text(settings.lists),
        statistics=_text(settings.statistics),
        reference=_text(settings.reference),
        histories=_text(settings.histories),
        fx_rates=_text(settings.fx_rates),
    )
    config = ScorerConfig(
        base_currency=settings.base_currency, log_features="packed", dead_letters=DeadLetterFormat(as_json=True)
    )
    try:
        return EmbeddedAnswers(config, paths, Path(settings.log), SYSTEM_CLOCKS, SYSTEM_CLOCKS.wall_ms)
    except (EmbeddedLogError, *OPENING_ERRORS, OSError) as error:
        raise CannotOpen(str(error)) from None


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)


def _prediction_of(answer: port.Answer) -> Prediction:
    fields = {name: getattr(answer, name) for name in _OF_ANSWER}
    fields["decision_id"] = decision_id(answer.user_id, answer.transaction_id)
    if answer.decision is not None:
        decided = {name: getattr(answer.decision, name) for name in _OF_DECISION}
        fields |= msgspec.to_builtins(decided)  # leaves out what a decision has not
    return msgspec.convert(fields, Prediction)


def _error_of(error: port.AnswersError) -> FraudDetectorError:
    if isinstance(error, port.EventRefused):
        return EventRefused(str(error))
    if isinstance(error, port.OtherContent):
        return OtherContent(str(error))
    wait_seconds = error.retry_after_seconds if isinstance(error, port.Unavailable) else None
    return Unavailable(str(error), wait_seconds)
