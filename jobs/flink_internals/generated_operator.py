"""Adds a two-input operator from Java source text. Flink compiles it on the TaskManager, as it does SQL operators."""

from __future__ import annotations

from pathlib import Path

from pyflink.common import TypeInformation
from pyflink.datastream import BroadcastStream, DataStream, KeyedBroadcastProcessFunction, KeyedStream, OutputTag

from jobs.flink_internals.jvm import java_class, object_array

PYTHON = {
    "pyflink/datastream/data_stream.py": (
        "def _create_j_data_stream_python_function_info(",
        "UserDefinedDataStreamFunction.KEYED_CO_BROADCAST_PROCESS",
        "self.input_stream = input_stream",
    ),
    "pyflink/util/java_utils.py": ("def get_j_env_configuration(j_env):",),
    "pyflink/fn_execution/embedded/operation_utils.py": (
        "def create_two_input_user_defined_data_stream_function_from_protos(",
    ),
}
PYTHON_CONFIG = "org.apache.flink.python.util.PythonConfigUtil"
CONFIGURATION = "org.apache.flink.configuration.Configuration"
GENERATED_OPERATOR = "org.apache.flink.table.runtime.generated.GeneratedOperator"
OPERATOR_FACTORY = "org.apache.flink.table.runtime.operators.CodeGenOperatorFactory"
TWO_INPUTS = "org.apache.flink.streaming.api.transformations.TwoInputTransformation"
_PYTHON_OPERATOR = "org.apache.flink.streaming.api.operators.python"
JAVA = {
    PYTHON_CONFIG: ("createSingleOutputStreamOperator", "extractPythonConfiguration"),
    GENERATED_OPERATOR: ("newInstance",),
    OPERATOR_FACTORY: ("createStreamOperator",),
    TWO_INPUTS: ("setStateKeySelectors", "setStateKeyType"),
    "org.apache.flink.streaming.api.datastream.KeyedStream": ("getKeySelector", "getKeyType"),
    # Members that java/BatchedPythonOperator.java overrides, calls or reads:
    f"{_PYTHON_OPERATOR}.AbstractPythonFunctionOperator": (
        "elementCount", "finish", "invokeFinishBundle", "lastFinishBundleTime", "prepareSnapshotPreBarrier",
        "processWatermark",
    ),
    f"{_PYTHON_OPERATOR}.embedded.AbstractEmbeddedPythonFunctionOperator": ("interpreter", "invokeFinishBundle"),
    f"{_PYTHON_OPERATOR}.embedded.AbstractEmbeddedDataStreamPythonFunctionOperator": (
        "addSideOutputTags", "collector", "getJobParameters",
    ),
    f"{_PYTHON_OPERATOR}.embedded.AbstractTwoInputEmbeddedPythonFunctionOperator": ("processElement1", "processElement2"),
    f"{_PYTHON_OPERATOR}.embedded.EmbeddedPythonKeyedCoProcessOperator": ("onEventTime", "onProcessingTime"),
    "org.apache.flink.runtime.execution.SuppressRestartsException": ("serialVersionUID",),
    "org.apache.flink.streaming.runtime.tasks.StreamTask": ("getMailboxExecutorFactory",),
    "org.apache.flink.api.common.operators.MailboxExecutor": ("execute",),
    "pemja.core.PythonInterpreter": ("exec", "invokeMethod", "set"),
}  # fmt: skip


def connect_by_operator(
    records: KeyedStream,
    broadcast: BroadcastStream,
    function: KeyedBroadcastProcessFunction,
    output_type: TypeInformation,
    side_output: OutputTag,
    source: Path,
    references: list[object],
    name: str,
) -> DataStream:
    """As `records.connect(broadcast).process(function)`, run by the operator class in the Java file `source` (class name =
    file name).

    The `references` argument of the operator's constructor holds: configuration, Python function, types of both inputs
    and of the output, tag of the side output, followed by `references`.
    """
    from pyflink.datastream.data_stream import _create_j_data_stream_python_function_info
    from pyflink.fn_execution.flink_fn_execution_pb2 import UserDefinedDataStreamFunction
    from pyflink.util.java_utils import get_j_env_configuration

    config_util = java_class(PYTHON_CONFIG)
    environment = records.get_execution_environment()._j_stream_execution_environment
    first, second = (stream._j_data_stream.getTransformation() for stream in (records, broadcast.input_stream))
    j_output_type = output_type.get_java_type_info()
    generated = java_class(GENERATED_OPERATOR)(
        source.stem,
        source.read_text(),
        object_array(
            [
                config_util.extractPythonConfiguration(get_j_env_configuration(environment)),
                _create_j_data_stream_python_function_info(
                    function, UserDefinedDataStreamFunction.KEYED_CO_BROADCAST_PROCESS
                ),
                first.getOutputType(),
                second.getOutputType(),
                j_output_type,
                side_output.get_java_output_tag(),
                *references,
            ]
        ),
        java_class(CONFIGURATION)(),
    )
    transformation = java_class(TWO_INPUTS)(
        first,
        second,
        name,
        java_class(OPERATOR_FACTORY)(generated),
        j_output_type,
        environment.getParallelism(),
        False,
    )
    transformation.setStateKeySelectors(records._j_data_stream.getKeySelector(), None)
    transformation.setStateKeyType(records._j_data_stream.getKeyType())
    environment.addOperator(transformation)
    return DataStream(config_util.createSingleOutputStreamOperator(environment, transformation))
