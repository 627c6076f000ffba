"""A failed job's Java stack trace becomes a one-line message."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.config.job import JobConfig
from jobs.runtime.failures import JobFailed, explain, job_failed
from jobs.score_transactions import run
from tests.conftest import Configure

PYTHON_ERROR = """\
An error occurred while calling o101.get.
: java.util.concurrent.ExecutionException: org.apache.flink.client.program.ProgramInvocationException: Job failed
\tat java.base/java.util.concurrent.CompletableFuture.reportGet(CompletableFuture.java:396)
Caused by: org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(X.java:219)
Caused by: java.lang.RuntimeException: Error
\tat org.apache.flink.runtime.taskmanager.Task.run(Task.java:568)
Caused by: pemja.core.PythonException: <class 'udfs.scoring.bundle.BundleError'>: the bundle was made for other features
\tat /site-packages/pyflink/fn_execution/embedded/operations.open(operations.py:30)
\tat pemja.core.PythonInterpreter.invokeMethod(Native Method)
\t... 9 more
"""


@pytest.fixture
def config(configure: Configure, tmp_path: Path) -> JobConfig:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"{}")
    return configure(source, state={"checkpoint_dir": str(tmp_path / "checkpoints")})


def test_the_message_of_our_own_exception_is_shown(config: JobConfig) -> None:
    assert explain(PYTHON_ERROR, config) == "the bundle was made for other features"


def test_an_unexpected_python_exception_is_named(config: JobConfig) -> None:
    trace = PYTHON_ERROR.replace("udfs.scoring.bundle.BundleError", "builtins.KeyError").replace("other", "4")
    assert explain(trace, config) == "KeyError: the bundle was made for 4 features"


def test_a_full_disk_names_the_directories_that_are_written(config: JobConfig, tmp_path: Path) -> None:
    trace = "java.lang.RuntimeException: x\nCaused by: java.io.IOException: No space left on device\n\tat a.b(C.java:1)"
    assert explain(trace, config) == f"the disk is full: free space in {tmp_path}/out and {tmp_path}/checkpoints"


def test_a_missing_file_is_named(config: JobConfig) -> None:
    trace = "java.lang.RuntimeException: x\nCaused by: java.io.FileNotFoundException: File /data/a does not exist"
    assert explain(trace, config) == "file not found: File /data/a does not exist"


def test_the_innermost_cause_of_other_errors_is_reported(config: JobConfig) -> None:
    trace = (
        ": java.lang.IllegalStateException: outer\n\tat x.y(Z.java:1)\nCaused by: java.lang.ArithmeticException: inner"
    )
    assert explain(trace, config) == "ArithmeticException: inner"


def test_a_text_without_a_cause_is_reported_unchanged(config: JobConfig) -> None:
    assert explain("connection\nrefused", config) == "unknown error: connection refused"


def test_a_bundle_that_cannot_be_used_ends_the_job_with_the_reason(configure: Configure, tmp_path: Path) -> None:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"{}")
    empty = tmp_path / "no-bundle"
    empty.mkdir()

    with pytest.raises(JobFailed) as failure:
        run(configure(source, scoring={"bundle": str(empty)}))

    message = str(failure.value)
    assert str(empty) in message
    assert "manifest.json" in message
    assert "\n" not in message
    assert "Exception" not in message
    assert "Caused by" in failure.value.trace


def test_a_kafka_failure_names_the_setting_to_change(config: JobConfig) -> None:
    trace = (
        "java.io.IOException: One or more Kafka Producer send requests have encountered exception\n"
        "Caused by: org.apache.flink.util.FlinkRuntimeException: Failed to send data to Kafka decisions-2@-1\n"
        "Caused by: org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.RecordTooLargeException: "
        "The request included a message larger than the max message size the server will accept."
    )
    assert explain(trace, config).startswith(
        "an output is above its topic's size limit: raise the topic's max.message.bytes to sinks[kafka].max_request_bytes"
    )


HIDING = "Caused by: org.apache.flink.util.FlinkExpectedException: The TaskExecutor is shutting down."
LOG = f"""\
2026-01-01 08:00:00,000 WARN  Task - old (1/1)#0 (ab_0) switched from RUNNING to FAILED with failure cause:
java.lang.ArithmeticException: of an earlier job
2026-01-01 09:00:00,000 WARN  Task - sink-kafka: Writer (1/1)#0 (ab_0) switched from RUNNING to FAILED with failure cause:
java.io.IOException: One or more Kafka Producer send requests have encountered exception
\tat a.b(C.java:1)
Caused by: org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.RecordTooLargeException: too large
2026-01-01 09:00:00,010 ERROR Task - FATAL - exception in exception handler of task sink-kafka
org.apache.flink.kafka.shaded.org.apache.kafka.common.KafkaException: Producer is closed forcefully.
2026-01-01 09:00:00,020 WARN  Task - Source: source (1/1)#0 (ab_1) switched from RUNNING to FAILED with failure cause:
org.apache.flink.util.FlinkException: Disconnect from JobManager
{HIDING}
2026-01-01 09:00:00,030 INFO  JobMaster - Disconnect
"""


def test_the_cause_is_read_from_the_log_if_the_client_does_not_report_it(config: JobConfig, tmp_path: Path) -> None:
    log = tmp_path / "flink.log"
    log.write_text(LOG)
    error = RuntimeError(f"java.util.concurrent.ExecutionException: Job failed\n{HIDING}")

    told = str(job_failed(error, config, log))

    assert told.startswith("an output is above its topic's size limit: raise the topic's max.message.bytes")
    assert told.endswith(f"(RecordTooLargeException: too large) (log: {log})")
    assert "shutting down" in str(job_failed(error, config, tmp_path / "none.log"))


def test_the_log_named_is_the_one_that_the_running_jvm_writes(configure: Configure, tmp_path: Path) -> None:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"{}")
    (tmp_path / "no-bundle").mkdir()
    config = configure(
        source, scoring={"bundle": str(tmp_path / "no-bundle")}, flink={"log_directory": str(tmp_path / "other")}
    )
    with pytest.raises(JobFailed) as failed:
        run(config)
    assert failed.value.log_file is not None
    assert str(tmp_path / "no-bundle") in failed.value.log_file.read_text()
