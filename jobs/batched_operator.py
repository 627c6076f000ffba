"""Puts a function on PyFlink's operator with batches (java/BatchedPythonOperator.java), which Flink compiles itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyflink.common import TypeInformation
from pyflink.datastream import BroadcastStream, DataStream, KeyedBroadcastProcessFunction, KeyedStream, OutputTag
from pyflink.datastream.data_stream import _create_j_data_stream_python_function_info
from pyflink.fn_execution.flink_fn_execution_pb2 import UserDefinedDataStreamFunction
from pyflink.java_gateway import get_gateway
from pyflink.util.java_utils import get_j_env_configuration

CLASS = "BatchedPythonOperator"
SOURCE = Path(__file__).parent / "java" / f"{CLASS}.java"


def process_in_batches(
    records: KeyedStream,
    broadcast: BroadcastStream,
    function: KeyedBroadcastProcessFunction,
    output_type: TypeInformation,
    side_output: OutputTag,
    size: int,
    wait_ms: int,
    name: str,
) -> DataStream:
    """As `records.connect(broadcast).process(function)`, but by udfs.batches.BatchedFunction: it gets `size` records at
    once, or as many as have come `wait_ms` after the first, or before a checkpoint, a broadcast element, or the end."""
    jvm: Any = get_gateway().jvm
    environment = records.get_execution_environment()._j_stream_execution_environment
    configuration = jvm.org.apache.flink.python.util.PythonConfigUtil.extractPythonConfiguration(
        get_j_env_configuration(environment)
    )
    configuration.setString("python.fn-execution.bundle.time", str(wait_ms))
    inputs = [stream._j_data_stream.getTransformation() for stream in (records, broadcast.input_stream)]
    j_output_type = output_type.get_java_type_info()
    references = get_gateway().new_array(jvm.Object, 7)
    for place, reference in enumerate(
        (
            configuration,
            _create_j_data_stream_python_function_info(
                function, UserDefinedDataStreamFunction.KEYED_CO_BROADCAST_PROCESS
            ),
            inputs[0].getOutputType(),
            inputs[1].getOutputType(),
            j_output_type,
            side_output.get_java_output_tag(),
            size,
        )
    ):
        references[place] = reference
    generated = jvm.org.apache.flink.table.runtime.generated.GeneratedOperator(
        CLASS, SOURCE.read_text(), references, jvm.org.apache.flink.configuration.Configuration()
    )
    transformation = jvm.org.apache.flink.streaming.api.transformations.TwoInputTransformation(
        inputs[0],
        inputs[1],
        name,
        jvm.org.apache.flink.table.runtime.operators.CodeGenOperatorFactory(generated),
        j_output_type,
        environment.getParallelism(),
        False,
    )
    transformation.setStateKeySelectors(records._j_data_stream.getKeySelector(), None)
    transformation.setStateKeyType(records._j_data_stream.getKeyType())
    environment.addOperator(transformation)
    return DataStream(
        jvm.org.apache.flink.python.util.PythonConfigUtil.createSingleOutputStreamOperator(environment, transformation)
    )
