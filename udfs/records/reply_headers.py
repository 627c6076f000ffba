"""Headers of an event whose sender waits for the reply (docs/kafka.md). The operator in Java has the second one, too."""

from __future__ import annotations

from typing import Final

REPLY_TO: Final = "reply_to"
"""Key of the reply's record, which decides its partition."""
REQUEST_ID: Final = "request_id"
"""Bytes that the reply repeats."""
