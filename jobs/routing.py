"""The key by which a record reaches its user's operator instance: computed in the JVM, where it costs little."""

from __future__ import annotations

from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream
from pyflink.java_gateway import get_gateway

from jobs import sql

BAD_KEYS = 8


def key_expression(payload: str, key_path: str, spread: str | None = None) -> str:
    """SQL for the routing key of a payload: the id, or for records without a valid one a key that no id equals.

    JSON_VALUE never fails the job and gives integers their decimal text, as the codec does. Other ids than those of the
    contract must not become a key: a lone surrogate kills the job on its way into Python. A key with a space is no id;
    there are a few of them, so that bad records spread over all instances: by `spread`, SQL for a number that is never
    null, or by the payload's length, which is for payloads that are never null.
    """
    text = f"CAST({payload} AS STRING)"
    found = f"JSON_VALUE({text}, {sql.text_literal(key_path)} NULL ON EMPTY NULL ON ERROR)"
    number = f"MOD({spread or f'CHAR_LENGTH({text})'}, {BAD_KEYS})"
    return f"COALESCE(REGEXP_EXTRACT({found}, '^[!-~]{{1,64}}$', 0), CONCAT('bad record ', CAST({number} AS STRING)))"


def key_by_first(rows: DataStream, element_type: Any) -> KeyedStream:
    """Rows (key, element) keyed by the key, all in the JVM; the operator gets the element."""
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    keyed = rows._j_data_stream.keyBy(selector, Types.ROW([Types.STRING()]).get_java_type_info())
    return KeyedStream(keyed, element_type, rows)
