"""Whom a record's reply goes to: fields of a source's element, which come from the record's headers."""

from __future__ import annotations

from typing import Any, NamedTuple

from udfs.flink.bridge import Row
from udfs.flink.frame import REPLIES
from udfs.records.reply_headers import REQUEST_ID

_REPLY_TO_FIELD = 5
_REQUEST_ID_FIELD = 6


class ReplyAddress(NamedTuple):
    """`key` of the reply's record, and the id of the request, which is repeated as its header."""

    key: str
    request_id: bytes | None

    def row(self, value: bytes) -> Row:
        """The output row of a reply."""
        return REPLIES, self.key, value, {} if self.request_id is None else {REQUEST_ID: self.request_id}


def reply_of(element: Any) -> ReplyAddress | None:
    """The address in an element of the source, None where no reply is wanted."""
    if isinstance(element, bytes) or len(element) <= _REQUEST_ID_FIELD or element[_REPLY_TO_FIELD] is None:
        return None
    return ReplyAddress(element[_REPLY_TO_FIELD], element[_REQUEST_ID_FIELD])
