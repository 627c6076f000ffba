"""Block list entries from the control stream: bounded in number; expired ones are dropped when the limit is reached."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from udfs.control.block_list import BlockList
from udfs.control.elements import BlockListControl, ControlError
from udfs.values.time_units import DAY_MS

MAX_BLOCK_LIST_KEYS = 200_000
GRACE_MS = DAY_MS  # for late events


class _Known(NamedTuple):
    """State of a key. `idle_from_ms`: time from which the key may be dropped (None: never)."""

    idle_from_ms: int | None
    version: int
    replaces_start_up: bool


class LiveBlockList:
    """Versions and entries of block list keys, for one operator instance. Not thread-safe.

    A key is kept after its entry expired or was unblocked, so that an older element is still recognised as such. When a
    new key exceeds the limit, idle keys are dropped: those that expired or were unblocked a day before the new element's
    `published_at`. This time is used, not the clock or event time, so that all instances drop the same keys. Never
    dropped are keys of parties in the list loaded at start (they replace its entries), and keys with a higher version
    than the new element (the highest version must stay known).
    """

    def __init__(self, block_list: BlockList, max_keys: int = MAX_BLOCK_LIST_KEYS) -> None:
        self._block_list = block_list
        self._max_keys = max_keys
        self._known: dict[str, _Known] = {}
        self._idle: list[tuple[int, int, str]] = []  # a heap of (idle_from_ms, version, key), outdated ones included

    def __len__(self) -> int:
        return len(self._known)

    def apply(self, element: BlockListControl) -> list[str]:
        """Apply an element that is newer than its key's version; returns the keys dropped to make room for it.

        Raises ControlError if the list is full and no key can be dropped; nothing is changed then.
        """
        before = self._known.get(element.key)
        dropped = self._make_room(element) if before is None else []
        if before is None:
            replaces_start_up = self._block_list.contains(element.type, element.value)
        else:
            replaces_start_up = before.replaces_start_up
        if element.blocked:
            self._block_list.put(element.entry)
        else:
            self._block_list.remove(element.type, element.value)
        known = _Known(None if replaces_start_up else _idle_from_ms(element), element.version, replaces_start_up)
        self._known[element.key] = known
        self._remember_idle(element.key, known)
        return dropped

    def _make_room(self, element: BlockListControl) -> list[str]:
        if len(self._known) < self._max_keys:
            return []
        if element.published_at is None:
            raise ControlError(
                f"the live block list has reached {self._max_keys} entries, and the element has no published_at, "
                "which is needed to drop expired ones: publish it by `fraud control publish`"
            )
        dropped: list[str] = []
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
            dropped.append(key)
        for idle in too_new:
            heappush(self._idle, idle)
        if not dropped:
            raise ControlError(
                f"the live block list has reached {self._max_keys} entries, and none expired or was unblocked a day "
                "ago: put long lists into the reference folder, and give entries an expiry"
            )
        return dropped

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
