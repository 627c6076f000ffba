"""All uses of PyFlink's and pemja's internals by the process functions; those of the client are in jobs/flink_internals/.

Verified against PyFlink 2.3.0. `PYTHON` and `JAVA` list what this module relies on; tests/contracts/test_flink_internals.py
reports what is missing in the installed version.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pyflink.datastream import RuntimeContext

from udfs.flink.stored_bytes import as_written

READ_AGAINST = "2.3.0"

PYTHON: dict[str, tuple[str, ...]] = {
    "pyflink/fn_execution/datastream/embedded/runtime_context.py": (
        "self._runtime_context = runtime_context",
        "return self._job_parameters[key] if key in self._job_parameters else default_value",
    ),
    "pyflink/fn_execution/datastream/embedded/state_impl.py": (
        "self._state = state",
        "self._value_converter = value_converter",
        "self._element_converter = value_converter._field_converter",
        "return self._value_converter.to_internal(self._state.value())",
        "self._state.update(self._value_converter.to_external(values))",
        "self._state.add(self._element_converter.to_external(value))",
        "self._v_converter = map_converter._value_converter",
        "return self._v_converter.to_internal(",
        "self._state.put(self._k_converter.to_external(key), self._v_converter.to_external(value))",
        "self._v_converter.to_internal(entry.getValue())",
    ),
    "pyflink/fn_execution/embedded/converters.py": (
        "class DataConverter(ABC):",
        "def to_internal(self, value) -> IN:",
        "def to_external(self, value) -> OUT:",
        "class ListDataConverter(DataConverter):",
    ),
    "pyflink/fn_execution/metrics/embedded/metric_impl.py": (
        "self._metrics = metrics",
        "return DistributionImpl(self._metrics.gauge(name, JMetricDistribution()))",
    ),
    "pyflink/fn_execution/embedded/state_impl.py": ("from pemja import findClass",),
}
"""Required lines, by file below site-packages."""

JAVA: dict[str, tuple[str, ...]] = {
    "org.apache.flink.streaming.api.operators.StreamingRuntimeContext": ("getLongCounter", "getTaskInfo"),
    "org.apache.flink.api.common.TaskInfo": ("getIndexOfThisSubtask", "getNumberOfParallelSubtasks"),
    "org.apache.flink.metrics.MetricGroup": ("histogram",),
    "org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram": ("update", "getStatistics"),
    "org.apache.flink.metrics.HistogramStatistics": ("getQuantile",),
    "org.apache.flink.python.metric.embedded.MetricDistribution": ("update",),
}
"""Required methods, by class."""

HISTOGRAM = "org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram"


class Subtask(NamedTuple):
    """Index of a parallel instance of an operator, from 0, and the operator's parallelism."""

    number: int
    parallelism: int


def subtask_of(context: RuntimeContext) -> Subtask:
    """The subtask of a context. PyFlink's `get_index_of_this_subtask` calls a Java method that no longer exists."""
    task = context._runtime_context.getTaskInfo()
    return Subtask(task.getIndexOfThisSubtask(), task.getNumberOfParallelSubtasks())


def accumulator(context: RuntimeContext, name: str) -> Any:
    """Flink's LongCounter of this name, registered on the first call; `add(n)` increments. PyFlink has no API for it."""
    return context._runtime_context.getLongCounter(name)


def register_histogram(group: Any, name: str, observations: int) -> Any:
    """Register a histogram over the newest `observations` values in a metric group; `update(n)` adds a value.

    PyFlink has no API for histograms.
    """
    from pemja import findClass

    return group._metrics.histogram(name, findClass(HISTOGRAM)(observations))


def quantile_of(histogram: Any, share: float) -> float:
    """A quantile (`share` from 0 to 1) of a registered histogram."""
    return float(histogram.getStatistics().getQuantile(share))


def is_interrupted() -> bool:
    """Whether Flink is cancelling the task of this thread. Functions that block must poll it."""
    from pemja import findClass

    return bool(findClass("java.lang.Thread").currentThread().isInterrupted())


def java_state(state: Any) -> Any:
    """The Java state object behind a PyFlink state, without PyFlink's conversions."""
    return state._state


def bytes_in_value(state: Any) -> Any:
    """The value state, with bytes stored unchanged where PyFlink would pickle them, and read by `as_written`."""
    state._value_converter = _bytes_converter()
    return state


def bytes_in_list(state: Any) -> Any:
    """The same for a list state."""
    from pyflink.fn_execution.embedded.converters import ListDataConverter  # importable only in an operator

    state._element_converter = _bytes_converter()
    state._value_converter = ListDataConverter(_bytes_converter())
    return state


def bytes_in_map(state: Any) -> Any:
    """The same for a map's values, in keyed or broadcast state; not for `put_all`."""
    state._v_converter = _bytes_converter()
    return state


def _bytes_converter() -> Any:
    from pyflink.fn_execution.embedded.converters import DataConverter  # importable only in an operator

    class Bytes(DataConverter):  # untyped in PyFlink
        def to_internal(self, value: bytes | None) -> bytes | None:
            return None if value is None else as_written(value)

        def to_external(self, value: bytes) -> bytes:
            return value

    return Bytes()
