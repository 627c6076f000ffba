"""Starts the JVM of a local run, and converts a configuration to Flink options."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from jobs.aws.s3_files import s3_options
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.flink_internals.client import on_cluster
from jobs.flink_internals.gateway import is_java_running, launch_java
from jobs.flink_internals.process import (
    STATE_TO_RECOVER,
    flink_home,
    start_no_worker_service,
)
from jobs.runtime.connectors import connector_jars
from jobs.runtime.local_ports import loopback_settings
from jobs.runtime.temporary_files import make_temporary_directory
from udfs.process.owner_only import owner_only

if TYPE_CHECKING:
    from jobs.config.entity_job import EntityJobConfig

FLINK_LOG = "flink.log"
PYTHON_LOG = "python.log"
_LOG_DIRECTORY = "FLINK_LOG_DIR"
MAX_PARALLELISM = 128
LOCAL_ROCKSDB_MEMORY = "512m"
"""Memtables and block cache of a local run. Flink's 128 MB are written out so often that a million new users take half as
long again (docs/performance.md)."""
# Options in AWS's list "Programmatic Flink configuration properties" that this job sets. Since Flink 2.2 setting any other
# option in code fails the application.
PERMITTED_BY_MANAGED_SERVICE = frozenset(
    {"pipeline.name", "pipeline.object-reuse", "pipeline.max-parallelism", "pipeline.jars", "python.execution-mode"}
)
PROJECT_ROOT = Path(__file__).absolute().parents[2]

# At most 200 lines a second up to level WARN (10,000 at once, as at a start); errors are always written.
_LOGGING = """\
rootLogger.level = ${env:ROOT_LOG_LEVEL:-INFO}
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = RollingFile
appender.file.fileName = %(file)s
appender.file.filePattern = %(file)s.%%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %%d{yyyy-MM-dd HH:mm:ss,SSS} %%-5p %%c{1} - %%m%%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
appender.file.filter.burst.type = BurstFilter
appender.file.filter.burst.level = WARN
appender.file.filter.burst.rate = 200
appender.file.filter.burst.maxBurst = 10000
"""


def start_java(log_directory: str) -> Path:
    """Start the JVM of this process, if not yet running, with its log files in a directory.

    Returns the log file of the running JVM, which may be in the directory of an earlier call. Raises ConfigError if Java
    is not installed or does not start.
    """
    start_no_worker_service()
    if is_java_running() and _LOG_DIRECTORY in os.environ:
        return Path(os.environ[_LOG_DIRECTORY], FLINK_LOG)
    directory = Path(log_directory)
    log_file = directory / FLINK_LOG
    if on_cluster():
        return log_file
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    if shutil.which(java) is None:
        raise ConfigError("Java is not installed: install Java 17, or set JAVA_HOME to its directory")
    try:
        with owner_only():
            _write_flink_conf(directory, log_file)
            errors = (directory / PYTHON_LOG).open("ab")
    except OSError as error:
        raise ConfigError(f"flink.log_directory: cannot write in {directory}: {error.strerror}") from None
    # The embedded interpreter is located through the first `python` on the PATH.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

    def read(stderr: IO[bytes]) -> None:
        threading.Thread(target=_drain, args=(stderr, errors), daemon=True).start()

    try:
        with owner_only():
            launch_java(_reporter_jars(), _temporary_directory(), read)
    except (RuntimeError, BrokenPipeError):
        raise ConfigError(f"Java did not start: see {log_file} and {directory / PYTHON_LOG}") from None
    return log_file


def _reporter_jars() -> list[str]:
    """Jars of Flink's metric reporters; a MiniCluster finds them only on the class path, not in the plugins directory."""
    return sorted(str(jar) for jar in (flink_home() / "plugins").glob("metrics-prometheus/*.jar"))


def _temporary_directory() -> list[str]:
    """Java's option for a temporary directory of this run. Raises ConfigError if there is no room for one."""
    try:
        directory = str(make_temporary_directory())
    except OSError as error:
        raise ConfigError(f"no temporary directory can be made ({error.strerror}): free space, or set TMPDIR") from None
    return [] if " " in directory else [f"-Djava.io.tmpdir={directory}"]


def _drain(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy the JVM's stderr to a file; a full pipe would block the JVM."""
    while chunk := os.read(source.fileno(), 65_536):
        target.write(chunk)
        target.flush()


def _write_flink_conf(directory: Path, log_file: Path) -> None:
    conf = directory / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(flink_home() / "conf" / "config.yaml", conf / "config.yaml")  # Java's module options
    (conf / "log4j-cli.properties").write_text(_LOGGING % {"file": log_file})
    os.environ["FLINK_CONF_DIR"] = str(conf)
    os.environ[_LOG_DIRECTORY] = str(directory)


def flink_settings(config: JobConfig | EntityJobConfig) -> dict[str, str]:
    """Flink options of a configuration; `flink.extra` overrides all others. Raises ConfigError for a missing connector."""
    settings = _settings(config)
    if config.flink.managed:
        return {option: value for option, value in settings.items() if option in PERMITTED_BY_MANAGED_SERVICE}
    return settings


def _settings(config: JobConfig | EntityJobConfig) -> dict[str, str]:
    state, flink = config.state, config.flink
    settings = {
        "pipeline.name": config.name,
        "pipeline.object-reuse": "true",
        "pipeline.max-parallelism": str(MAX_PARALLELISM),  # fixed: savepoints cannot be restored with another value
        "parallelism.default": str(flink.parallelism),
        "python.execution-mode": "thread",
        "execution.buffer-timeout.interval": f"{flink.buffer_timeout_ms} ms",
        "state.backend.type": state.backend,
        "table.exec.uid.generation": "DISABLED",
        **_restarts(flink.restart_attempts),
    }
    if state.backend == "rocksdb":
        settings["execution.checkpointing.incremental"] = "true"
        settings["state.backend.rocksdb.use-bloom-filter"] = "true"  # a first payment is looked up in vain
    if state.checkpoint_dir is not None:
        settings |= {
            "execution.checkpointing.interval": f"{state.checkpoint_interval_ms} ms",
            # Without a pause, Flink runs missed checkpoints in rapid succession after a long one.
            "execution.checkpointing.min-pause": f"{state.checkpoint_interval_ms // 2} ms",
            "execution.checkpointing.storage": "filesystem",
            "execution.checkpointing.dir": _uri(state.checkpoint_dir),
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "execution.checkpointing.num-retained": "3",
            "execution.checkpointing.tolerable-failed-checkpoints": str(state.tolerable_failed_checkpoints),
        }
    if state.restore_from is not None:
        settings[STATE_TO_RECOVER] = _uri(state.restore_from)
        settings["execution.state-recovery.ignore-unclaimed-state"] = str(state.allow_non_restored).lower()
    settings |= s3_options(config)
    jars = connector_jars(config, required=not on_cluster())
    if jars:
        settings["pipeline.jars"] = ";".join(_uri(jar) for jar in jars)
    if not on_cluster():
        settings |= _local_settings()
        if state.backend == "rocksdb":
            settings["taskmanager.memory.managed.size"] = LOCAL_ROCKSDB_MEMORY
    return settings | flink.extra


def _restarts(attempts: int) -> dict[str, str]:
    """Bounded number of restarts: a persistent fault ends the job, a lost host does not."""
    if attempts == 0:
        return {"restart-strategy.type": "none"}
    prefix = "restart-strategy.exponential-delay"
    return {
        "restart-strategy.type": "exponential-delay",
        f"{prefix}.initial-backoff": "500 ms",
        f"{prefix}.max-backoff": "5 s",
        f"{prefix}.backoff-multiplier": "1.5",
        f"{prefix}.attempts-before-reset-backoff": str(attempts),
        f"{prefix}.reset-backoff-threshold": "5 min",
    }


def _local_settings() -> dict[str, str]:
    packages = dict.fromkeys([sysconfig.get_paths()["purelib"], str(PROJECT_ROOT)])
    return {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "python.pythonpath": os.pathsep.join(packages),
        "heartbeat.interval": "1000",  # accumulators, shown as progress, are sent with heartbeats
    } | loopback_settings()


def _uri(path: str) -> str:
    return path if "://" in path else f"file://{path}"
