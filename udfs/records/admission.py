"""Admission: a record may change state only if it is an event of the contract, has its user's key, and is not from the
future.

Used by the entity aggregates job, dumps and readers of files; the scorer has the same in the core
(udfs/core/src/engine/batch.rs), which tests/core compares with this.
"""

from __future__ import annotations

from udfs.records.admission_settings import AdmissionSettings
from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.events import Event, Label


class Admission:
    """Decodes and validates records. Needs no state; not thread-safe.

    `unknown_codes`: a dict to count unknown codes in (udfs.records.codes). `decode`: the source's decoder.
    """

    def __init__(
        self,
        settings: AdmissionSettings,
        unknown_codes: dict[str, int] | None = None,
        decode: EventDecoder = decode_event,
    ) -> None:
        self._future_tolerance_ms = settings.future_tolerance_ms
        self._latest_timestamp_ms = settings.latest_timestamp_ms
        self._unknown_codes = unknown_codes
        self._decode = decode

    def admit(self, payload: bytes | None, key: str | None = None, arrived_at_ms: int | None = None) -> Event:
        """The event of a record. Raises BadRecord with the reason of the refusal.

        `key`: the key that the record was partitioned by (None: not checked). `arrived_at_ms`: arrival in epoch
        milliseconds (None: not provided by the source).
        """
        event = self._decode(payload or b"", self._unknown_codes)
        if key is not None and event.user_id != key:
            raise BadRecord(f"user_id: {event.user_id!r} is not the key {key!r} that the record was routed by")
        latest_ms = self._latest_timestamp_ms if arrived_at_ms is None else arrived_at_ms + self._future_tolerance_ms
        if latest_ms is not None:
            time_ms = event.known_at if isinstance(event, Label) else event.timestamp
            if time_ms > latest_ms:
                raise BadRecord(
                    f"timestamp: {time_ms} lies in the future, {time_ms - latest_ms} ms past what is accepted"
                )
        return event
