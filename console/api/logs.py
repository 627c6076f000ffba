"""Logs as one JSON object a line, without personal data: no paths with ids, no values, no messages of errors."""

from __future__ import annotations

import logging
import sys
from traceback import extract_tb
from typing import Any, TextIO

import structlog

LEVELS = ("debug", "info", "warning", "error")


def set_up_logs(level: str, stream: TextIO | None = None) -> None:
    """Send the logs of this process, those of libraries included, to the stream, by default standard error. `level`: one of
    LEVELS."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(max(number, logging.WARNING))


def trace_of(error: BaseException) -> list[str]:
    """Where an error was raised, the innermost last: file, line and function. Its message may hold personal data."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]


def told_error(error: BaseException) -> dict[str, Any]:
    """Fields that tell of an error in the log."""
    return {"error": type(error).__name__, "trace": trace_of(error)}


class _Forward(logging.Handler):
    """Gives the records of libraries to structlog. Of those with an error only its type and place, and the message before
    its arguments, which may hold personal data: what such a message shall tell stands in the message itself."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields |= told_error(error)
        text = record.msg if error is not None else record.getMessage()
        structlog.get_logger().log(record.levelno, str(text), **fields)
