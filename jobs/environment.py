"""The JVM of a local run, and the Flink settings of a configuration."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jobs.config import JobConfig
from jobs.config_errors import ConfigError
from jobs.connectors import connector_jars
from jobs.local_ports import loopback_settings, start_no_worker_service
from jobs.s3_files import s3_options

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

    from jobs.entity_config import EntityJobConfig

FLINK_LOG = "flink.log"
PYTHON_LOG = "python.log"
_LOG_DIRECTORY = "FLINK_LOG_DIR"
MAX_PARALLELISM = 128
# Of AWS' list "Programmatic Flink configuration properties" those that this job sets: since Flink 2.2 any other one set
# in code ends the application with an exception.
PERMITTED_BY_MANAGED_SERVICE = frozenset(
    {"pipeline.name", "pipeline.object-reuse", "pipeline.max-parallelism", "pipeline.jars", "python.execution-mode"}
)
PROJECT_ROOT = Path(__file__).absolute().parent.parent

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
"""


def on_cluster() -> bool:
    """Was this program started by `flink run`? Then a JVM is there, with the cluster's settings."""
    return "PYFLINK_GATEWAY_PORT" in os.environ


def is_detached(environment: StreamExecutionEnvironment) -> bool:
    """Was the client told to submit the job and go (`flink run -d`)?"""
    from pyflink.util.java_utils import get_j_env_configuration

    settings = get_j_env_configuration(environment._j_stream_execution_environment)
    return str(settings.getString("execution.attached", "true")) == "false"


def start_java(log_directory: str) -> Path:
    """Start the JVM of this process, if it isn't running yet, with its logs in files of a directory.

    Returns the log file: that of the running JVM, whatever directory it was started with. Raises ConfigError where
    there is no Java or it doesn't start.
    """
    import pyflink.java_gateway as java_gateway

    start_no_worker_service()
    if java_gateway._gateway is not None and _LOG_DIRECTORY in os.environ:
        return Path(os.environ[_LOG_DIRECTORY], FLINK_LOG)
    directory = Path(log_directory)
    log_file = directory / FLINK_LOG
    if on_cluster():
        return log_file
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    if shutil.which(java) is None:
        raise ConfigError("Java is not installed: install Java 17, or set JAVA_HOME to where it is")
    try:
        _write_flink_conf(directory, log_file)
        errors = (directory / PYTHON_LOG).open("ab")
    except OSError as error:
        raise ConfigError(f"flink.log_directory: cannot write in {directory}: {error.strerror}") from None
    # The embedded interpreter's library is found by the first `python` on the path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    launch = java_gateway.launch_gateway_server_process

    def launch_and_drain(variables: dict[str, str], arguments: list[str]) -> Any:
        # Python in the JVM must not start a JVM of its own, as some of PyFlink's methods do without a word.
        jars = os.pathsep.join([*filter(None, [variables.get("HADOOP_CLASSPATH")]), *_reporter_jars()])
        process = launch(variables | {"PYFLINK_GATEWAY_DISABLED": "1", "HADOOP_CLASSPATH": jars}, arguments)
        threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True).start()
        return process

    java_gateway.launch_gateway_server_process = launch_and_drain
    try:
        java_gateway.get_gateway()
    except RuntimeError:
        raise ConfigError(f"Java did not start: see {log_file} and {directory / PYTHON_LOG}") from None
    finally:
        java_gateway.launch_gateway_server_process = launch
    return log_file


def _reporter_jars() -> list[str]:
    """Flink's metric reporters: a MiniCluster finds them on the classpath alone, not in Flink's folder of plugins.

    They get there by the only variable whose content PyFlink puts on it.
    """
    from pyflink.find_flink_home import _find_flink_home

    return sorted(str(jar) for jar in Path(_find_flink_home(), "plugins").glob("metrics-prometheus/*.jar"))


def _drain(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy what the JVM and the Python in it write to stderr: nobody else reads the pipe, and a full one would block."""
    while chunk := os.read(source.fileno(), 65_536):
        target.write(chunk)
        target.flush()


def _write_flink_conf(directory: Path, log_file: Path) -> None:
    from pyflink.find_flink_home import _find_flink_home

    conf = directory / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(_find_flink_home(), "conf", "config.yaml"), conf / "config.yaml")  # Java's module options
    (conf / "log4j-cli.properties").write_text(_LOGGING % {"file": log_file})
    os.environ["FLINK_CONF_DIR"] = str(conf)
    os.environ[_LOG_DIRECTORY] = str(directory)


def flink_settings(config: JobConfig | EntityJobConfig) -> dict[str, str]:
    """Flink's options for a configuration; `flink.extra` has the last word. Raises ConfigError for a missing connector."""
    settings = _settings(config)
    if config.flink.managed:
        return {option: value for option, value in settings.items() if option in PERMITTED_BY_MANAGED_SERVICE}
    return settings


def _settings(config: JobConfig | EntityJobConfig) -> dict[str, str]:
    state, flink = config.state, config.flink
    settings = {
        "pipeline.name": config.name,
        "pipeline.object-reuse": "true",
        "pipeline.max-parallelism": str(MAX_PARALLELISM),  # savepoints restore at another parallelism only below it
        "parallelism.default": str(flink.parallelism),
        "python.execution-mode": "thread",
        "execution.buffer-timeout.interval": f"{flink.buffer_timeout_ms} ms",
        "state.backend.type": state.backend,
        "table.exec.uid.generation": "DISABLED",
        **_restarts(flink.restart_attempts),
    }
    if state.backend == "rocksdb":
        settings["execution.checkpointing.incremental"] = "true"
    if state.checkpoint_dir is not None:
        settings |= {
            "execution.checkpointing.interval": f"{state.checkpoint_interval_ms} ms",
            # After a long checkpoint Flink would make up for all that were missed, dozens a second.
            "execution.checkpointing.min-pause": f"{state.checkpoint_interval_ms // 2} ms",
            "execution.checkpointing.storage": "filesystem",
            "execution.checkpointing.dir": _uri(state.checkpoint_dir),
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "execution.checkpointing.num-retained": "3",
        }
    if state.restore_from is not None:
        settings["execution.state-recovery.path"] = _uri(state.restore_from)
        settings["execution.state-recovery.ignore-unclaimed-state"] = str(state.allow_non_restored).lower()
    settings |= s3_options(config)
    jars = connector_jars(config, required=not on_cluster())
    if jars:
        settings["pipeline.jars"] = ";".join(_uri(jar) for jar in jars)
    if not on_cluster():
        settings |= _local_settings()
    return settings | flink.extra


def _restarts(attempts: int) -> dict[str, str]:
    """Bounded: a fault that comes back at once ends the job, a lost machine does not."""
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
        "heartbeat.interval": "1000",  # the counts that the client shows come with it
    } | loopback_settings()


def _uri(path: str) -> str:
    return path if "://" in path else f"file://{path}"
