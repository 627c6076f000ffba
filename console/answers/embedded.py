"""Answers by the scorer in this process: the same scorer as the job's, on a thread of its own.

All requests that wait are one batch: decided together, committed together, then answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

import msgspec

from console.answers.embedded_log import Durability, EmbeddedLog, ErasedPart
from console.answers.fingerprint import fingerprint
from console.answers.payloads import id_of, other_content, other_event_of, transaction_of
from console.answers.port import Answer, AnswersError, EventRefused, Unavailable
from udfs.records.events import Erasure, Event, Transaction
from udfs.records.outputs import DeadLetter, Decision, Duplicate, Origin, Output, decode_result
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.stores.clocks import Clocks

LARGEST_BATCH = 64
KEEP_MS = 72 * 3_600_000
"""How long answers and records are kept after their arrival; longer where they have not been taken yet."""
REMOVE_EVERY_MS = 10_000
REMOVED_AT_ONCE = 100
"""About a millisecond's work; the next batch goes on."""
SEARCHED_AT_ONCE = 2_000
"""Records that are searched for those of an erased user: about a millisecond's work, too."""
ALL = (1 << 63) - 1
ORIGIN = Origin("api")
EVENTS = "events"
"""Topic of the events themselves in the log."""

_log = logging.getLogger(__name__)


class Request(NamedTuple):
    """An event that waits, and whom its answer goes to."""

    event: Event
    payload: bytes
    answer: asyncio.Future[Any]


class EmbeddedAnswers:
    """Answers of one scorer over one EmbeddedLog; see the port for the obligations of its methods."""

    def __init__(
        self,
        config: ScorerConfig,
        paths: ScorerPaths,
        log_path: Path,
        clocks: Clocks,
        now_ms: Callable[[], int],
        durability: Durability = "process",
        keep_ms: int = KEEP_MS,
        is_taken: bool = False,
    ) -> None:
        """Opens log and scorer; blocks while loading. `now_ms`: the wall clock, arrival time of the events.

        `keep_ms`: how long answers are kept. `is_taken`: an intake takes the log's records, and tells it by `set_taken`.

        Raises EmbeddedLogError, and what `open_scorer` raises.
        """
        self._now_ms = now_ms
        self._keep_ms = keep_ms
        self._taken = 0 if is_taken else ALL
        self._removed_at_ms = 0
        self._log = EmbeddedLog(log_path, durability)
        try:
            self._log.require_base_currency(config.base_currency)
            self._scorer: Scorer = open_scorer(config, paths, self._log, clocks)
        except BaseException:
            self._log.close()
            raise
        self._waiting: SimpleQueue[Request | None] = SimpleQueue()
        self._erasing: dict[str, list[Request]] = {}
        self._is_erasing = self._log.is_erasing()
        self._failure: str | None = None
        self._closed = False
        self._thread = Thread(target=self._run, name="scorer", daemon=True)
        self._thread.start()

    async def decide(self, payload: bytes) -> Answer:
        answer: Answer = await self._submit(transaction_of(payload), payload)
        return answer

    async def accept(self, payload: bytes) -> str:
        event = other_event_of(payload)
        await self._submit(event, payload)
        return id_of(event)

    async def erase(self, erasure: Erasure) -> None:
        """Forget a user: state, answers and records up to here.

        Returns when nothing is left and this survives the end of this process; an erasure that this end interrupts goes on
        with the next one. Raises EventRefused and Unavailable.
        """
        await self._submit(erasure, _encode(erasure))

    def is_ready(self) -> bool:
        return self._failure is None and not self._closed

    def set_taken(self, number: int) -> None:
        """Records up to this number have been taken, and may be removed when they are old. Thread-safe."""
        self._taken = number

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    async def _submit(self, event: Event, payload: bytes) -> Any:
        if not self.is_ready():
            raise Unavailable(self._failure or "the scorer is stopping", retry_after_seconds=5)
        answer = asyncio.get_running_loop().create_future()
        self._waiting.put(Request(event, payload, answer))
        return await answer

    def _run(self) -> None:
        while True:
            batch, is_last = self._next_batch()
            if batch:
                try:
                    _deliver(self._answers(batch))
                except Exception as error:
                    _log.exception("a batch failed: none of its events took effect")
                    self._undo()
                    reason = f"the scorer failed: {type(error).__name__}; no event took effect, send them again"
                    _deliver([(request, Unavailable(reason, retry_after_seconds=1)) for request in batch])
            elif self._is_erasing and not is_last:
                self._erase_on()
            if is_last:
                stopping = Unavailable("the scorer is stopping; the erasure goes on when it is started again", 5)
                _deliver([(request, stopping) for of_user in self._erasing.values() for request in of_user])
                self._scorer.close()
                self._log.close()
                return

    def _next_batch(self) -> tuple[list[Request], bool]:
        """The requests that wait; waits for one, unless the last has been taken or there is to be erased."""
        batch: list[Request] = []
        while len(batch) < LARGEST_BATCH:
            if batch and self._waiting.empty():
                break
            try:
                request = self._waiting.get(block=not self._is_erasing)
            except Empty:
                break
            if request is None:
                return batch, True
            batch.append(request)
            if isinstance(request.event, Erasure):
                break  # what comes after it has no earlier answer
        return batch, False

    def _answers(self, batch: Sequence[Request]) -> list[tuple[Request, Answer | str | AnswersError]]:
        arrived_at_ms = self._now_ms()
        answers: list[tuple[Request, Answer | str | AnswersError]] = []
        submitted: list[Request] = []
        erasures: list[Request] = []
        for request in batch:
            event = request.event
            earlier = self._earlier(event) if isinstance(event, Transaction) else None
            if earlier is not None:
                answers.append((request, earlier))
                continue
            self._log.set_current_key(event.user_id)
            self._scorer.submit(request.payload, event.user_id, arrived_at_ms, ORIGIN)
            submitted.append(request)
        if any(isinstance(request.event, Erasure) for request in submitted):
            self._log.overwrite_removed()
        for request, outputs in zip(submitted, self._scorer.flush(), strict=True):
            if isinstance(request.event, Erasure) and not outputs:
                self._log.begin_erasure(request.event.user_id)
                erasures.append(request)
            else:
                answers.append((request, self._answer(request, outputs, arrived_at_ms)))
        self._remove_old(arrived_at_ms)
        part = self._log.erase_some(SEARCHED_AT_ONCE) if self._is_erasing or erasures else None
        self._log.commit()
        for request in erasures:
            self._erasing.setdefault(request.event.user_id, []).append(request)
        return answers + (self._erased(part) if part is not None else [])

    def _erase_on(self) -> None:
        """Go on with an erasure while nobody waits for a decision."""
        try:
            part = self._log.erase_some(SEARCHED_AT_ONCE)
            self._log.commit()
        except Exception as error:
            _log.exception("an erasure failed; the next start goes on with it")
            self._undo()
            self._is_erasing = False
            reason = f"the scorer's database failed: {error}; send the erasure again"
            waiting = [request for of_user in self._erasing.values() for request in of_user]
            self._erasing.clear()
            _deliver([(request, Unavailable(reason, retry_after_seconds=5)) for request in waiting])
            return
        _deliver(self._erased(part))

    def _erased(self, part: ErasedPart | None) -> list[tuple[Request, Answer | str | AnswersError]]:
        """Answers to those who wait for an erasure, if this part was its last."""
        self._is_erasing = self._log.is_erasing()
        waiting = [] if part is None or part.left else self._erasing.pop(part.user_id, [])
        return [(request, id_of(request.event)) for request in waiting]

    def _earlier(self, event: Transaction) -> Answer | AnswersError | None:
        """The answer that is kept, however far back in the user's event time; None for one that is to be decided."""
        answered = self._log.answered(event.user_id, event.transaction_id)
        if answered is None:
            return None
        if answered.fingerprint != fingerprint(event):
            return other_content(event)
        decision = decode_result(answered.decision)
        assert isinstance(decision, Decision)
        return _answer_of(decision, repeated=True)

    def _remove_old(self, now_ms: int) -> None:
        if now_ms - self._removed_at_ms >= REMOVE_EVERY_MS:
            removed = self._log.remove_old(now_ms - self._keep_ms, self._taken, REMOVED_AT_ONCE)
            if removed < REMOVED_AT_ONCE:
                self._removed_at_ms = now_ms

    def _answer(self, request: Request, outputs: list[Output], arrived_at_ms: int) -> Answer | str | AnswersError:
        """What came of one event; its records are added to the log."""
        event = request.event
        first = outputs[0].record if outputs else None
        if isinstance(first, Duplicate):
            assert isinstance(event, Transaction)
            return self._repeated(event, first)
        if isinstance(first, DeadLetter):
            self._log.add_record("dead-letters", event.user_id, outputs[0].value, arrived_at_ms)
            return EventRefused(first.reason)
        self._log.add_record(EVENTS, event.user_id, request.payload, arrived_at_ms)
        numbers = [
            self._log.add_record(output.destination, event.user_id, output.value, arrived_at_ms) for output in outputs
        ]
        if not isinstance(event, Transaction):
            return id_of(event)
        assert isinstance(first, Decision)
        self._log.add_answer(event.user_id, event.transaction_id, fingerprint(event), numbers[0])
        return _answer_of(first, repeated=False)

    def _repeated(self, event: Transaction, duplicate: Duplicate) -> Answer | AnswersError:
        """The first answer: of the same batch, or from the state where the decision is not kept any more."""
        earlier = self._earlier(event)
        if earlier is not None:
            return earlier
        if duplicate.differs:
            return other_content(event)
        if duplicate.first_action is None:
            return EventRefused(f"transaction_id: {event.transaction_id!r} came before and could not be decided")
        return Answer(
            user_id=event.user_id, transaction_id=event.transaction_id, action=duplicate.first_action,
            risk_score=duplicate.first_risk_score, repeated=True,
        )  # fmt: skip

    def _undo(self) -> None:
        try:
            self._log.roll_back()
            self._scorer.engine.core.evict_all()  # decoded users may be ahead of what is stored
        except Exception as error:
            _log.exception("the database of the embedded scorer failed")
            self._failure = f"the scorer's database failed: {error}; free disk space or repair it, then restart"


_encode = msgspec.json.Encoder().encode


def _answer_of(decision: Decision, repeated: bool) -> Answer:
    return Answer(
        user_id=decision.user_id, transaction_id=decision.transaction_id, action=decision.action,
        risk_score=decision.risk_score, decision=decision, repeated=repeated,
    )  # fmt: skip


def _deliver(answers: Sequence[tuple[Request, Answer | str | AnswersError]]) -> None:
    """Give the answers to their event loops, with one call to each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Answer | str | AnswersError]]] = {}
    for request, answer in answers:
        by_loop.setdefault(request.answer.get_loop(), []).append((request.answer, answer))
    for loop, of_loop in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, of_loop)


def _resolve(answers: Sequence[tuple[asyncio.Future[Any], Answer | str | AnswersError]]) -> None:
    for future, answer in answers:
        if future.done():  # the caller has gone
            continue
        if isinstance(answer, AnswersError):
            future.set_exception(answer)
        else:
            future.set_result(answer)
