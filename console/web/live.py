"""One stream a tab (server-sent events) with what has changed; one look into the store a second for all tabs together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters
from console.store.errors import StoreUnavailable
from console.web.access import Desk, PageRoute
from console.web.rendering import HEADERS

router = APIRouter(route_class=PageRoute)
LOOK_SECONDS = 1.0
BEAT_SECONDS = 15.0
COUNT_SECONDS = 5.0
MOST_STREAMS = 500
MOST_WAITING = 50
MOST_CASES = 200
FIRST = b"retry: 1500\n\n"
_encode = msgspec.json.Encoder().encode


class Place(NamedTuple):
    """Up to where a tab has seen changes: newest case, newest entry of the journal."""

    case_id: int
    entry: int

    def is_after(self, other: Place) -> bool:
        return self.case_id > other.case_id or self.entry > other.entry

    def text(self) -> str:
        return f"{self.case_id}-{self.entry}"


class News(NamedTuple):
    """What is told to all tabs: the event of what changed between two places."""

    since: Place
    here: Place
    event: bytes


class Change(msgspec.Struct, frozen=True):
    """What changed since a place: `open`, the number of open alerts; `new`, how many came; `cases`, what was changed of
    those there; None if there are too many to name."""

    open: int
    new: int
    newest: int
    cases: list[int] | None


class LiveUpdates:
    """Looks for changes while tabs are open, and tells all of them. Used by one event loop."""

    def __init__(self, cases: CaseStore) -> None:
        self._cases = cases
        self._queues: set[asyncio.Queue[News | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._counted: tuple[Place, float, int] | None = None

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._is_closing = True
        for queue in self._queues:
            with suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    def count(self) -> int:
        """Open tabs."""
        return len(self._queues)

    def is_full(self) -> bool:
        return self._is_closing or len(self._queues) >= MOST_STREAMS

    async def stream(self, request: Request, since: Place | None) -> AsyncIterator[bytes]:
        """The events of one tab, beginning with what changed since it was there last. Ends with its sign-in."""
        desk: Desk = request.app.state.desk
        queue: asyncio.Queue[News | None] = asyncio.Queue(MOST_WAITING)
        self._queues.add(queue)
        if self._task is None:
            self._task = asyncio.create_task(self._look())
        try:
            seen = await asyncio.to_thread(lambda: Place(*self._cases.newest()))
            yield FIRST + await self._event(since or seen, seen)
            beat_at = monotonic() + BEAT_SECONDS
            while True:
                news: News | None
                try:
                    news = await asyncio.wait_for(queue.get(), max(0.0, beat_at - monotonic()))
                except TimeoutError:
                    if await asyncio.to_thread(desk.visitor_of, request, False) is None:
                        return
                    beat_at = monotonic() + BEAT_SECONDS
                    yield b"event: beat\ndata: \n\n"
                    continue
                if news is None:
                    return
                if news.here.is_after(seen):  # the first event may have told a part of it, or all
                    yield news.event if news.since == seen else await self._event(seen, news.here)
                    seen = news.here
        finally:
            self._queues.discard(queue)

    async def _look(self) -> None:
        try:
            place = await asyncio.to_thread(lambda: Place(*self._cases.newest()))
            while self._queues and not self._is_closing:
                await asyncio.sleep(LOOK_SECONDS)
                try:
                    here = await asyncio.to_thread(lambda: Place(*self._cases.newest()))
                    if here != place:
                        self._tell(News(place, here, await self._event(place, here)))
                        place = here
                except StoreUnavailable:
                    continue
        finally:
            self._task = None

    def _tell(self, news: News) -> None:
        for queue in list(self._queues):
            try:
                queue.put_nowait(news)
            except asyncio.QueueFull:  # a tab that reads nothing: it connects again and gets what it missed
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)

    async def _event(self, since: Place, here: Place) -> bytes:
        change = await asyncio.to_thread(self._change, since, here)
        return b"id: %s\nevent: change\ndata: %s\n\n" % (here.text().encode(), _encode(change))

    def _change(self, since: Place, here: Place) -> Change:
        changed = self._cases.changed_after(since.entry, MOST_CASES + 1) if here.entry > since.entry else []
        return Change(
            open=self._open_at(here), new=self._cases.new_in_queue(since.case_id, here.case_id), newest=here.case_id,
            cases=None if len(changed) > MOST_CASES else changed,
        )  # fmt: skip

    def _open_at(self, here: Place) -> int:
        """How many cases are open. Counted once a place, for all tabs: each change of a case is an entry of the journal.
        What is removed as a whole is seen after COUNT_SECONDS."""
        counted, now = self._counted, monotonic()
        if counted is None or counted[0] != here or now - counted[1] > COUNT_SECONDS:
            counted = self._counted = here, now, self._cases.count(QueueFilters())
        return counted[2]


@router.get("/signed-in")
def signed_in() -> Response:
    """Says to a page whose stream was refused whether its sign-in has ended."""
    return Response(status_code=204)


@router.get("/live")
async def live(request: Request, since: str = "") -> Response:
    """Changes from now on, or since the place that a tab has seen last."""
    updates: LiveUpdates = request.app.state.live
    if updates.is_full():
        return Response(status_code=503, headers={"Retry-After": "5"})
    place = _place_of(request.headers.get("last-event-id") or since)
    return StreamingResponse(
        updates.stream(request, place), media_type="text/event-stream", headers={**HEADERS, "X-Accel-Buffering": "no"}
    )


def _place_of(text: str) -> Place | None:
    case_id, _, entry = text.partition("-")
    if case_id.isdecimal() and entry.isdecimal() and len(text) < 40:
        return Place(int(case_id), int(entry))
    return None
