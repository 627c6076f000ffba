"""A job's graph: the Java transformations behind PyFlink's streams, and operations that PyFlink lacks, run in the JVM."""

from __future__ import annotations

from typing import Any

from pyflink.common import TypeInformation, Types
from pyflink.datastream import DataStream, KeyedStream, OutputTag, StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import FileSink
from pyflink.table import StreamTableEnvironment

from jobs.flink_internals.jvm import java_class

PYTHON = {
    "pyflink/datastream/data_stream.py": ("self._j_data_stream = j_data_stream",),
    "pyflink/datastream/stream_execution_environment.py": (
        "self._j_stream_execution_environment = j_stream_execution_environment",
    ),
    "pyflink/datastream/functions.py": ("def get_java_function(self):",),
    "pyflink/datastream/output_tag.py": ("def get_java_output_tag(self):",),
    "pyflink/table/table.py": ("self._j_table = j_table",),
    "pyflink/table/table_environment.py": ("self._j_tenv = j_tenv", "def _get_j_env(self):"),
}
TRANSFORMATION = "org.apache.flink.api.dag.Transformation"
KEY_BY_KEY = "org.apache.flink.streaming.api.functions.python.KeyByKeySelector"
DISCARDING = "org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink"
DATA_TYPES = "org.apache.flink.table.api.DataTypes"
JAVA = {
    TRANSFORMATION: ("getId", "getInputs", "getName", "getUid", "setName", "setParallelism", "setUid"),
    "org.apache.flink.streaming.api.datastream.DataStream": ("getTransformation", "keyBy", "print", "sinkTo"),
    "org.apache.flink.streaming.api.datastream.DataStreamSink": ("getTransformation",),
    "org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator": ("getSideOutput",),
    "org.apache.flink.streaming.api.environment.StreamExecutionEnvironment": ("getTransformations",),
    "org.apache.flink.table.api.bridge.java.internal.StreamTableEnvironmentImpl": ("execEnv", "toDataStream"),
    KEY_BY_KEY: ("getKey",),
    DISCARDING: ("createWriter",),
    DATA_TYPES: ("STRING",),
}
NO_OPERATORS = frozenset({"PartitionTransformation", "SideOutputTransformation", "UnionTransformation"})
"""Transformations that become edges of the graph, not operators."""


class Node:
    """One node of a job's graph: a Java transformation. It becomes an operator unless `is_virtual`."""

    def __init__(self, transformation: Any) -> None:
        self._java = transformation

    @property
    def number(self) -> int:
        """Unique in this JVM."""
        return int(self._java.getId())

    @property
    def uid(self) -> str | None:
        uid: str | None = self._java.getUid()
        return uid

    @property
    def name(self) -> str:
        return str(self._java.getName())

    @property
    def inputs(self) -> list[Node]:
        return [Node(java) for java in self._java.getInputs()]

    @property
    def is_virtual(self) -> bool:
        return self._java.getClass().getSimpleName() in NO_OPERATORS

    def identify(self, uid: str) -> None:
        """Set uid and name to the same value; metrics and the web UI show the name."""
        self._java.setUid(uid)
        self._java.setName(uid)

    def set_parallelism(self, parallelism: int) -> None:
        """Set the number of parallel instances."""
        self._java.setParallelism(parallelism)


def node_of(stream: DataStream) -> Node:
    """The node that produces a stream."""
    return Node(stream._j_data_stream.getTransformation())


def nodes_of(environment: StreamExecutionEnvironment) -> list[Node]:
    """The nodes added to an environment so far. Upstream nodes may be missing; they are reachable by `inputs`."""
    return [Node(java) for java in environment._j_stream_execution_environment.getTransformations()]


def environment_of(table_environment: StreamTableEnvironment) -> StreamExecutionEnvironment:
    """The stream environment of a table environment."""
    return StreamExecutionEnvironment(table_environment._get_j_env())


def written_nodes(table_environment: StreamTableEnvironment) -> list[Node]:
    """The nodes of all statements attached to the stream graph so far."""
    return [Node(java) for java in table_environment._j_tenv.execEnv().getTransformations()]


def key_by_first(rows: DataStream, element_type: TypeInformation) -> KeyedStream:
    """Key rows (key, element) by their first field, in the JVM; the next operator gets the element. PyFlink's key_by would
    add a Python operator that computes the key."""
    keyed = rows._j_data_stream.keyBy(java_class(KEY_BY_KEY)(), Types.ROW([Types.STRING()]).get_java_type_info())
    return KeyedStream(keyed, element_type, rows)


def write_strings(query: str, sink: FileSink, table_environment: StreamTableEnvironment) -> tuple[Node, Node]:
    """Write the single string column of a query to a sink; returns the nodes of query and sink. PyFlink's own conversion
    of a table to a stream supports only rows."""
    table = table_environment.sql_query(query)
    strings = table_environment._j_tenv.toDataStream(table._j_table, java_class(DATA_TYPES).STRING())
    return Node(strings.getTransformation()), Node(strings.sinkTo(sink.get_java_function()).getTransformation())


def print_side_output(stream: DataStream, tag: OutputTag) -> Node:
    """Print the strings of a side output, in the JVM; PyFlink's get_side_output would add a second Python operator."""
    printed: Any = stream._j_data_stream.getSideOutput(tag.get_java_output_tag()).print()
    return Node(printed.getTransformation())


def discard(stream: DataStream) -> Node:
    """Add a sink that discards all records."""
    return Node(stream._j_data_stream.sinkTo(java_class(DISCARDING)()).getTransformation())
