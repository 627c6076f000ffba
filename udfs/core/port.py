"""What the core asks Python for while it works on a batch, and the writing of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.state.user_log import UserLog
from udfs.stores.record_source import RecordSource, Refreshed
from udfs.values.local_time import LocalTime

WriteKind = Literal["append", "replace", "snapshot", "clear"]
Write = tuple[int, WriteKind, Any]
"""Place of a record in its batch, and bytes for its user's state; of "replace" all entries of the log, of "clear" None."""

_encode = msgspec.json.Encoder().encode


class Port:
    """The questions of one batch. `select` puts `log` at the user of a record, by its place."""

    def __init__(
        self,
        log: UserLog,
        select: Callable[[int], None],
        source: RecordSource,
        local_time: LocalTime,
        unknown_codes: dict[str, int],
        decode: EventDecoder = decode_event,
    ) -> None:
        self._log = log
        self._select = select
        self._source = source
        self._local_time = local_time
        self._unknown_codes = unknown_codes
        self._decode = decode

    def decode(self, payload: bytes) -> bytes | str:
        """A record that only Python can read: the event in its canonical form, or why it is none."""
        try:
            return _encode(self._decode(payload, self._unknown_codes))
        except BadRecord as bad:
            return str(bad)

    def wrong_key(self, user_id: str, key: str) -> str:
        return f"user_id: {user_id!r} is not the key {key!r} that the record was routed by"

    def load(self, places: Sequence[int]) -> list[tuple[bytes | None, list[bytes]]]:
        """The stored states of users."""
        stored = []
        for place in places:
            self._select(place)
            stored.append((self._log.snapshot(), list(self._log.entries())))
        return stored

    def fetch(self, keys: list[str]) -> list[Any] | None:
        return self._source.fetch(keys)

    def want(self, keys: list[str]) -> None:
        self._source.want(keys)

    def refreshed(self) -> Refreshed:
        return self._source.refreshed()

    def stores_now(self) -> tuple[int, bool, int, bool]:
        return self._source.now()

    def offset_ms(self, zone: str, time_ms: int) -> int:
        return self._local_time.offset_ms(zone, time_ms)


def write_all(writes: Iterable[Write], log: UserLog, select: Callable[[int], None]) -> None:
    """Write what a batch has learned. Raises what the log raises: the batch is then to be done again as a whole."""
    for place, kind, data in writes:
        select(place)
        if kind == "append":
            log.append(data)
        elif kind == "replace":
            log.replace(data)
        elif kind == "clear":
            log.clear()
        else:
            log.save_snapshot(data)
