"""The JVM of this process: its local cluster, job control and file systems. PyFlink is imported inside the
functions, since commands that start no job do not need it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.flink_internals.jvm import java_class

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

PYTHON = {
    "pyflink/find_flink_home.py": ("def _find_flink_home():",),
    "pyflink/common/job_client.py": ("self._j_job_client = j_job_client",),
    "pyflink/util/java_utils.py": ("def get_j_env_configuration(j_env):", "def get_field_value(java_obj, field_name):"),
    "pyflink/util/exceptions.py": ("class JavaException(",),
    "pyflink/datastream/stream_execution_environment.py": ("os.environ.get('_python_worker_execution_mode')",),
}
SAVEPOINT_FORMAT = "org.apache.flink.core.execution.SavepointFormatType"
CONFIGURATION = "org.apache.flink.configuration.Configuration"
STATE_TO_RECOVER = "execution.state-recovery.path"
CORE_OPTIONS = "org.apache.flink.configuration.CoreOptions"
PLUGIN_FINDER = "org.apache.flink.core.plugin.DirectoryBasedPluginFinder"
PLUGIN_MANAGER = "org.apache.flink.core.plugin.DefaultPluginManager"
FILE_SYSTEM = "org.apache.flink.core.fs.FileSystem"
JAVA = {
    SAVEPOINT_FORMAT: ("CANONICAL",),
    "org.apache.flink.core.execution.JobClient": ("stopWithSavepoint",),
    "org.apache.flink.runtime.minicluster.MiniClusterJobClient": ("miniCluster",),
    "org.apache.flink.runtime.minicluster.MiniCluster": ("dispatcherResourceManagerComponents", "taskManagers"),
    "org.apache.flink.runtime.rpc.RpcEndpoint": ("getTerminationFuture",),
    "org.apache.flink.runtime.entrypoint.component.DispatcherResourceManagerComponent": ("webMonitorEndpoint",),
    CORE_OPTIONS: ("getPluginParentFirstLoaderPatterns",),
    PLUGIN_FINDER: ("findPlugins",),
    PLUGIN_MANAGER: ("load",),
    FILE_SYSTEM: ("initialize",),
}


def state_given_to_flink() -> str | None:
    """The savepoint or checkpoint that the cluster's client was given (`flink run -s`); None if none."""
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.util.java_utils import get_j_env_configuration

    environment = StreamExecutionEnvironment.get_execution_environment()
    settings = get_j_env_configuration(environment._j_stream_execution_environment)
    options = (STATE_TO_RECOVER, "execution.savepoint.path")  # the second in older versions of Flink
    return next((str(path) for option in options if (path := settings.getString(option, ""))), None)


def is_detached(environment: StreamExecutionEnvironment) -> bool:
    """Whether the client does not wait for the job (`flink run -d`)."""
    from pyflink.util.java_utils import get_j_env_configuration

    settings = get_j_env_configuration(environment._j_stream_execution_environment)
    return str(settings.getString("execution.attached", "true")) == "false"


def flink_home() -> Path:
    """Directory of the Flink distribution inside the PyFlink package."""
    from pyflink.find_flink_home import _find_flink_home

    return Path(_find_flink_home())


def start_no_worker_service() -> None:
    """Keep PyFlink from starting its worker service, which listens on all interfaces.

    It serves operators in process mode; ours run in thread mode. PyFlink has no option for it but this variable.
    """
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112


def close_rest_server(client: Any) -> None:
    """Close the REST server of the local cluster that runs the client's job.

    It accepts compiled jobs by POST /jobs regardless of web.submit.enable, and Flink has no option to disable it. It is
    not needed: the job's handle calls the cluster directly.
    """
    from pyflink.util.java_utils import get_field_value

    cluster = get_field_value(client._j_job_client, "miniCluster")
    for component in get_field_value(cluster, "dispatcherResourceManagerComponents"):
        get_field_value(component, "webMonitorEndpoint").closeAsync()


def has_lost_task_manager(client: Any) -> bool:
    """Whether a TaskManager of the local cluster that runs the client's job has ended.

    Flink ends it after an error in the clean-up of a task. A local cluster does not replace it: a job that may restart
    waits for its slot and stays RUNNING.
    """
    from pyflink.util.java_utils import get_field_value

    cluster = get_field_value(client._j_job_client, "miniCluster")
    return any(one.getTerminationFuture().isDone() for one in get_field_value(cluster, "taskManagers"))


def stop_with_savepoint(client: Any, directory: str) -> str:
    """Stop the client's job with a savepoint under the directory; returns its path. Blocks until it is complete.

    PyFlink's own method calls a Java signature that no longer exists.
    """
    canonical = java_class(SAVEPOINT_FORMAT).CANONICAL
    return str(client._j_job_client.stopWithSavepoint(False, directory, canonical).get())


def is_java_error(error: BaseException) -> bool:
    """Whether the exception was raised in Java."""
    from py4j.protocol import Py4JError
    from pyflink.util.exceptions import JavaException

    return isinstance(error, Py4JError | JavaException)


def load_file_systems(plugins: Path, options: Mapping[str, str]) -> None:
    """Load the file system plugins of a directory into this process's JVM, which does not load plugins itself."""
    settings = java_class(CONFIGURATION)()
    for name, value in options.items():
        settings.setString(name, value)
    path = java_class("java.io.File")(str(plugins)).toPath()
    parents = java_class(CORE_OPTIONS).getPluginParentFirstLoaderPatterns(settings)
    found = java_class(PLUGIN_FINDER)(path).findPlugins()
    loader = java_class("java.lang.Thread").currentThread().getContextClassLoader()
    java_class(FILE_SYSTEM).initialize(settings, java_class(PLUGIN_MANAGER)(found, loader, parents))
