"""Port of event sources."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from pyflink.datastream import KeyedStream
from pyflink.table import StreamTableEnvironment

from udfs.records.record_reader import RecordReader

ROLE = "source"
"""Prefix of the uids of a source's operators."""
Section = TypeVar("Section", contravariant=True)


class SourceContext(NamedTuple):
    """`key_path`: JSON path of the user id in a payload. `restored`: the job continues from state that holds the source's
    position. `has_ceiling`: a latest timestamp is configured, so that records without arrival time need none.
    `with_replies`: elements also have the address of their reply (udfs.flink.reply_address)."""

    table_environment: StreamTableEnvironment
    key_path: str
    restored: bool = False
    has_ceiling: bool = False
    with_replies: bool = False


class Records(NamedTuple):
    """The keyed records of a source, and the reader of one record.

    `is_one_sequence`: order is defined over all users together, as in a file. An operator whose output is re-keyed must
    then have parallelism 1.
    """

    stream: KeyedStream
    reader: RecordReader
    is_one_sequence: bool = False


class EventSource(Protocol[Section]):
    """One kind of source. `open` is called once, in the client, while the job's graph is built.

    Requirements on the records:
    - the payload is raw bytes (decoding to text would replace invalid UTF-8, and corrupt records would pass as valid);
    - keyed in the JVM by the user id at the context's `key_path` (jobs/pipeline/routing.py); an invalid payload must not
      fail the job; the source's order is kept for each key, also after a restart with another parallelism;
    - exactly once in state: the source's position is part of Flink's checkpoints;
    - no watermarks: the scorer takes event time from the payload.
    All operators of a source have uids pinned under ROLE (jobs/pipeline/operator_ids.py).
    tests/contracts/test_sources.py checks every kind.
    """

    def open(self, source: Section, context: SourceContext) -> Records:
        """Add the source of a configuration's section to the graph.

        Must not block on a server: brokers and streams are checked before (jobs/kafka/check.py, jobs/aws/check.py), and
        read when the job runs. Raises Flink's exceptions for invalid options.
        """
        ...
