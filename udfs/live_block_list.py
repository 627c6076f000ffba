"""The block list's entries from the control stream: so many and no more, and what says nothing any more makes room."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from udfs.block_list import BlockList
from udfs.control import BlockListControl, ControlError
from udfs.time_units import DAY_MS

MAX_BLOCK_LIST_KEYS = 200_000
GRACE_MS = DAY_MS  # an event may come that much after others of its time


class _Known(NamedTuple):
    """`idle_from_ms`: from when on the key may be forgotten (None: never)."""

    idle_from_ms: int | None
    version: int
    replaces_start_up: bool


class LiveBlockList:
    """Keys of the block list and what each says, for one operator instance.

    A key is kept when its entry has expired or was taken off, or else a repeated older element would be taken for a new
    one. Only when a new key finds no room are the idle ones forgotten: those that expired or were taken off a day
    before the new element was published. That time is the element's own (`published_at`): instances differ in their
    clocks and in the event times they see, and must forget the same keys. A key stays as long as the start-up's list
    names its party, since it replaces what that says. So does one of a version higher than the new element's: the
    highest version of all stays known.
    """

    def __init__(self, block_list: BlockList, max_keys: int = MAX_BLOCK_LIST_KEYS) -> None:
        self._block_list = block_list
        self._max_keys = max_keys
        self._known: dict[str, _Known] = {}
        self._idle: list[tuple[int, int, str]] = []  # a heap of (idle_from_ms, version, key), outdated ones included

    def __len__(self) -> int:
        return len(self._known)

    def apply(self, element: BlockListControl) -> list[str]:
        """Put an element that is newer than its key's in force; returns the keys that were forgotten for it.

        Raises ControlError where there is no room, and all stays as it was.
        """
        before = self._known.get(element.key)
        forgotten = self._make_room(element) if before is None else []
        if before is None:
            replaces_start_up = self._block_list.names(element.type, element.value)
        else:
            replaces_start_up = before.replaces_start_up
        if element.blocked:
            self._block_list.put(element.entry)
        else:
            self._block_list.remove(element.type, element.value)
        known = _Known(None if replaces_start_up else _idle_from_ms(element), element.version, replaces_start_up)
        self._known[element.key] = known
        self._remember_idle(element.key, known)
        return forgotten

    def _make_room(self, element: BlockListControl) -> list[str]:
        if len(self._known) < self._max_keys:
            return []
        if element.published_at is None:
            raise ControlError(
                f"the live block list has reached {self._max_keys} entries, and the element does not tell its "
                "published_at, by which expired ones would make room: publish it by `fraud control publish`"
            )
        forgotten: list[str] = []
        too_new: list[tuple[int, int, str]] = []
        while self._idle and self._idle[0][0] <= element.published_at:
            idle = heappop(self._idle)
            _, version, key = idle
            if self._is_outdated(*idle):
                continue
            if version > element.version:
                too_new.append(idle)
                continue
            del self._known[key]
            self._block_list.remove(*BlockListControl.party_of(key))
            forgotten.append(key)
        for idle in too_new:
            heappush(self._idle, idle)
        if not forgotten:
            raise ControlError(
                f"the live block list has reached {self._max_keys} entries, and none has expired or was taken off a "
                "day ago: long lists belong into the reference folder, and entries with an expiry make room"
            )
        return forgotten

    def _remember_idle(self, key: str, known: _Known) -> None:
        if known.idle_from_ms is None:
            return
        heappush(self._idle, (known.idle_from_ms, known.version, key))
        if len(self._idle) > 2 * len(self._known) + 1_000:
            self._idle = [idle for idle in self._idle if not self._is_outdated(*idle)]
            heapify(self._idle)

    def _is_outdated(self, idle_from_ms: int, version: int, key: str) -> bool:
        known = self._known.get(key)
        return known is None or (known.idle_from_ms, known.version) != (idle_from_ms, version)


def _idle_from_ms(element: BlockListControl) -> int | None:
    if element.blocked:
        return None if element.expires_at is None else max(element.expires_at, element.published_at or 0) + GRACE_MS
    return None if element.published_at is None else element.published_at + GRACE_MS
