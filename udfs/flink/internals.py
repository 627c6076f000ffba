"""All uses of PyFlink's and pemja's internals by the process functions; those of the client are in jobs/flink_internals/.

Verified against PyFlink 2.3.0. `PYTHON` and `JAVA` list what this module relies on; tests/contracts/test_flink_internals.py
reports what is missing in the installed version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pyflink.datastream import RuntimeContext

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


def convert_bytes(value_state: Any, list_state: Any, from_stored: Callable[[bytes], bytes]) -> None:
    """Store bytes in these two states unchanged, where PyFlink would pickle them; `from_stored` is applied when reading."""
    from pyflink.fn_execution.embedded.converters import (
        DataConverter,
        ListDataConverter,
    )  # importable only in an operator

    class Bytes(DataConverter):  # untyped in PyFlink
        def to_internal(self, value: bytes | None) -> bytes | None:
            return None if value is None else from_stored(value)

        def to_external(self, value: bytes) -> bytes:
            return value

    value_state._value_converter = list_state._element_converter = Bytes()
    list_state._value_converter = ListDataConverter(Bytes())
