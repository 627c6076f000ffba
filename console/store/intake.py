"""From the bytes of outputs and events to batches. What cannot be read is kept as a dead letter of the store."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Literal

import msgspec

from console.store.rows import Batch, DeadLetterRow, DecisionRecord, Position
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.codec import MAX_TIMESTAMP_MS, BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.events import Erasure, Event
from udfs.records.key_path import Step, steps_of, value_at
from udfs.records.outputs import Alert, DeadLetter, FlagNotice, Origin

Kind = Literal["decisions", "alerts", "flags", "dead-letters", "events"]
MAX_SCORE = 1_000
FUTURE_TOLERANCE_MS = AdmissionSettings().future_tolerance_ms


class _Repeated(msgspec.Struct, tag_field="type", tag="duplicate", gc=False):
    """A repeated transaction, which has no decision of its own."""


_decode_decision = msgspec.json.Decoder(DecisionRecord | _Repeated).decode
_decode_alert = msgspec.json.Decoder(Alert | FlagNotice).decode
_decode_letter = msgspec.json.Decoder(DeadLetter).decode


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands in a source, and when it was written (epoch ms)."""

    source: str
    partition: int
    offset: int
    recorded_ms: int


class BatchMaker:
    """Collects records to one batch. `decode`: of events; `key_path`: where a source's records hold the user's id."""

    def __init__(self, decode: EventDecoder = decode_event, key_path: str = "$.user_id") -> None:
        self._decode = decode
        self._user_at = steps_of(key_path)
        self._start()

    def add(self, kind: Kind, value: bytes, place: Place) -> None:
        """One record as JSON; a dead letter as in files."""
        try:
            self._add(kind, value, place)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            reason = f"{kind}: not readable by the store: {error}"
            origin = Origin(place.source, str(place.partition), place.offset)
            self._letters.append(letter_row(value, reason, origin, place, self._user_at))

    def add_letter(self, payload: bytes, reason: str, origin: Origin, place: Place) -> None:
        """A dead letter as in Kafka: the record's own bytes, with reason and origin from its headers."""
        self._letters.append(letter_row(payload, reason, origin, place, self._user_at))

    def go_to(self, source: str, partition: int, next_offset: int) -> None:
        """All before this offset is in the batch or in an earlier one."""
        self._positions[source, partition] = next_offset

    def take(self) -> Batch:
        """The batch; the next one begins."""
        batch = Batch(
            decisions=self._decisions, alerts=self._alerts, events=self._events, dead_letters=self._letters,
            erasures=self._erasures,
            positions=[Position(source, number, offset) for (source, number), offset in self._positions.items()],
        )  # fmt: skip
        self._start()
        return batch

    def _start(self) -> None:
        self._decisions: list[DecisionRecord] = []
        self._alerts: list[Alert | FlagNotice] = []
        self._events: list[Event] = []
        self._letters: list[DeadLetterRow] = []
        self._erasures: list[Erasure] = []
        self._positions: dict[tuple[str, int], int] = {}

    def _add(self, kind: Kind, value: bytes, place: Place) -> None:
        if kind == "events":
            with suppress(BadRecord):  # the scorer made a dead letter of it
                event = self._decode(value)
                if not isinstance(event, Erasure):
                    self._events.append(event)
                elif event.timestamp <= place.recorded_ms + FUTURE_TOLERANCE_MS:  # as the scorer takes it
                    self._erasures.append(event)
        elif kind == "decisions":
            record = _decode_decision(value)
            if isinstance(record, DecisionRecord):
                _check(value, record.event_time_ms, record.decision_id, record.user_id, record.transaction_id)
                if not 0 <= record.risk_score <= MAX_SCORE:
                    raise ValueError(f"risk_score: {record.risk_score} is not between 0 and {MAX_SCORE}")
                if record.features_packed is not None and len(record.features_packed) % 8:
                    raise ValueError(f"features_packed: {len(record.features_packed)} bytes are no float64 values")
                self._decisions.append(record)
        elif kind == "dead-letters":
            letter = _decode_letter(value)
            self._letters.append(letter_row(letter.payload, letter.reason, letter.origin, place, self._user_at))
        else:
            alert = _decode_alert(value)
            name = alert.flag_id if isinstance(alert, FlagNotice) else alert.alert_id
            _check(value, alert.event_time_ms, name, alert.user_id)
            self._alerts.append(alert)


def letter_row(payload: bytes, reason: str, origin: Origin, place: Place, user_at: list[Step]) -> DeadLetterRow:
    """The same record, read again or written again by a restarted job, gets the same id."""
    digest = hashlib.sha256(payload).hexdigest()
    where = (origin.source, origin.partition, origin.offset)
    if origin.offset is None:
        where = (place.source, str(place.partition), place.offset)
    reason = reason.replace("\0", "\ufffd")
    letter_id = hashlib.sha256("\0".join([*map(str, where), digest, reason]).encode(errors="replace")).hexdigest()[:32]
    return DeadLetterRow(
        letter_id=letter_id, recorded_ms=place.recorded_ms, reason=reason, payload=payload, payload_sha256=digest,
        origin=origin, user_id=_user_of(payload, user_at),
    )  # fmt: skip


def _user_of(payload: bytes, user_at: list[Step]) -> str | None:
    try:
        user_id = value_at(msgspec.json.decode(payload), user_at)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(user_id, bool) or not isinstance(user_id, str | int) or "\0" in str(user_id):
        return None
    return str(user_id)


def _check(value: bytes, time_ms: int, *ids: str) -> None:
    """Raises ValueError for what the databases could not keep in order."""
    if not 0 <= time_ms <= MAX_TIMESTAMP_MS:
        raise ValueError(f"event_time_ms: {time_ms} is not between 1970 and 9999")
    if not all(name and name.isascii() and name.isprintable() for name in ids):
        raise ValueError("an id is not of printable ASCII characters")
    if b"\\u0000" in value:
        raise ValueError("a text contains the character NUL")
