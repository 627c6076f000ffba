"""Decodes the records of a stream of foreign JSON to events, by a mapping."""

from __future__ import annotations

import msgspec

from ingest.errors import MappingError, RowError
from ingest.mapping import parse_mapping
from ingest.rows import event_and_dropped
from ingest.stream_key import stream_key_path
from udfs.records.codec import BadRecord, decode_event, not_json
from udfs.records.codes import UNREADABLE, count_unknown
from udfs.records.events import Erasure, Event
from udfs.records.salvage import BYTE_ORDER_MARK, without_nan

OBJECT_EXPECTED = "expected a JSON object"
ERASURE = "erasure"
KEY_EXPECTED = "the user's id unchanged, a text or a whole number: the stream is keyed by it"
_encode = msgspec.json.Encoder().encode


class StreamDecoder:
    """An EventDecoder (udfs.records.codec) of foreign JSON objects.

    An erasure is taken as docs/events.md has it, whatever the mapping. Its state is the mapping's text and strictness,
    which is what pickling keeps: where it decodes it needs no file. `key_path` is where the records hold the user's id. A
    `label` section and the columns of extra.jsonl are ignored.
    """

    def __init__(self, mapping_text: str, strict: bool = False) -> None:
        """`strict`: an optional field that cannot be read makes a bad record, whatever the mapping says.

        Raises MappingError for an invalid mapping, and for one whose rows cannot be a stream.
        """
        self._text = mapping_text
        self._strict = strict
        self._mapping = parse_mapping(mapping_text, strict=strict)
        self.key_path = stream_key_path(self._mapping)
        self._user_id = next(plan for plan in self._mapping.fields if plan.name == "user_id")
        for plan in self._mapping.record_plans:
            if plan.is_row_number:
                raise MappingError(f"fields.{plan.name}.row_number: is for files: the rows of a stream have no number")

    def __reduce__(self) -> tuple[type[StreamDecoder], tuple[str, bool]]:
        return StreamDecoder, (self._text, self._strict)

    def __call__(self, payload: bytes, unknown_codes: dict[str, int] | None = None) -> Event:
        """The event that `fraud convert` and `decode_event` make of the same object.

        Raises BadRecord with the column, its value and what was expected.
        """
        if not payload:
            raise BadRecord("empty record")
        payload = without_nan(payload.removeprefix(BYTE_ORDER_MARK))
        try:
            row = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRecord(not_json(error)) from None
        if not isinstance(row, dict):
            raise BadRecord(OBJECT_EXPECTED)
        if row.get("type") == ERASURE and (erasure := _erasure_of(payload)) is not None:
            return erasure
        try:
            event, dropped = event_and_dropped(row, self._mapping)
            self._check_key(row, event.user_id)
        except RowError as error:
            raise BadRecord(error.reason) from None
        if unknown_codes is not None:
            for value in dropped:
                count_unknown(unknown_codes, value.field.partition(".")[0], UNREADABLE)
        return decode_event(_encode(event), unknown_codes)

    def _check_key(self, row: dict[str, object], user_id: str) -> None:
        """Raises RowError where the JVM has another key for the record than its user: 7.0 and " U1" become 7 and U1."""
        raw = self._user_id.raw_of(row, 0)
        if type(raw) not in (int, str) or str(raw) != user_id:
            raise RowError(0, self._user_id.source_name, raw, KEY_EXPECTED)


def _erasure_of(payload: bytes) -> Erasure | None:
    """The erasure of docs/events.md; None for an object of the bank's own that only has its type."""
    try:
        event = decode_event(payload)
    except BadRecord:
        return None
    return event if isinstance(event, Erasure) else None
