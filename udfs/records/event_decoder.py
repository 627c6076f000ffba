"""The interface of decoders from a source's bytes to events."""

from __future__ import annotations

from typing import Protocol

from udfs.records.events import Event


class EventDecoder(Protocol):
    """Decodes the records of one source. Called once a record on the operator's thread; must not block. Picklable, as it is
    sent to the operator.

    Implementations: `udfs.records.codec.decode_event` for the contract's JSON, `ingest.stream_decoder.StreamDecoder` for
    foreign JSON.
    """

    def __call__(self, payload: bytes, unknown_codes: dict[str, int] | None = None, /) -> Event:
        """The event of a record; `payload` is empty for a tombstone.

        Counts unknown codes in `unknown_codes` (udfs.records.codes). Raises BadRecord for invalid records, with the reason
        of the dead letter, and no other exception for any bytes.
        """
        ...
