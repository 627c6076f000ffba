"""What a job in this process listens on: this machine's own address only, and nothing that takes a submission.

Flink's and PyFlink's ports know no password: who reaches one may run code as the user who started the job.
"""

from __future__ import annotations

import os
from typing import Any

LOOPBACK = "127.0.0.1"


def loopback_settings() -> dict[str, str]:
    """Flink's options for a cluster within this process."""
    return {
        "rest.address": LOOPBACK,
        "rest.bind-address": LOOPBACK,
        "rest.bind-port": "0",
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.bind-host": LOOPBACK,  # the server of jars and large messages, too: it has no option of its own
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        "web.submit.enable": "false",
        "web.cancel.enable": "false",
    }


def start_no_worker_service() -> None:
    """Keep PyFlink from starting its worker service, which has a port on every interface in each environment.

    It is for operators in processes of their own; ours run in the JVM (thread mode). PyFlink has no option for it but
    this variable.
    """
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112


def close_rest_server(client: Any) -> None:
    """Close Flink's REST server of the cluster within this process, to which `client` holds the job.

    It takes compiled jobs by POST /jobs whatever web.submit.enable says, and Flink has no option to leave it out.
    Nothing here asks it: the job's handle calls the cluster directly.
    """
    from pyflink.util.java_utils import get_field_value

    cluster = get_field_value(client._j_job_client, "miniCluster")
    for component in get_field_value(cluster, "dispatcherResourceManagerComponents"):
        get_field_value(component, "webMonitorEndpoint").closeAsync()
