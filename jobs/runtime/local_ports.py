"""Network options of a local run: all ports are bound to the loopback address, and job submission is disabled.

Flink's and PyFlink's ports have no authentication: access to one allows running code as the user who started the job.
"""

from __future__ import annotations

LOOPBACK = "127.0.0.1"


def loopback_settings() -> dict[str, str]:
    """Flink options for a cluster in this process."""
    return {
        "rest.address": LOOPBACK,
        "rest.bind-address": LOOPBACK,
        "rest.bind-port": "0",
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.bind-host": LOOPBACK,  # also applies to the blob server, which has no option of its own
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        "web.submit.enable": "false",
        "web.cancel.enable": "false",
    }
