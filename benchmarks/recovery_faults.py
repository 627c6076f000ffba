"""Faults of the recovery matrix: what is done to a running job and its servers, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import KAFKA
from benchmarks.recovery_cells import Moment
from benchmarks.recovery_jobs import START_SECONDS, ClusterJob, Job, LocalJob, wait_for_line
from benchmarks.recovery_servers import Servers, SmallDisk

SECONDS_AWAY = 8.0
"""How long a server, a network or the job is paused or gone."""
CLOCK_JUMP = 3_600
"""Seconds."""
LOG_LINES: dict[Moment, str] = {"checkpoint": "Triggering checkpoint", "commit": "Completed checkpoint"}
RESTORING = "Restoring job"


class Scene(NamedTuple):
    """What a fault acts on. `config` and `topics` are of the cell's job, `clock_file` is the offset of its clock."""

    servers: Servers
    job: Job
    config: Path
    prefix: str
    moment: Moment
    disk: SmallDisk | None
    clock_file: Path


Fault = Callable[[Scene], None]


def do_nothing(scene: Scene) -> None:
    pass


def kill_process(scene: Scene) -> None:
    """With `rescale`, its restore with another parallelism is killed, too."""
    job = _local(scene)
    job.kill()
    if scene.moment == "rescale":
        job.restart(parallelism=2)
        wait_for_line(lambda: job.log, RESTORING, START_SECONDS)
        job.kill()
        job.restart(parallelism=2)
    else:
        job.restart()


def pause_process(scene: Scene) -> None:
    job = _local(scene)
    job.pause()
    time.sleep(SECONDS_AWAY)
    job.resume()


def exhaust_memory(scene: Scene) -> None:
    """The JVM gets no more memory from the system; a supervisor starts it again when it has ended."""
    job = _local(scene)
    java = job.java()
    data = next(
        line.split()[1] for line in Path(f"/proc/{java}/status").read_text().splitlines() if line.startswith("VmData")
    )
    subprocess.run(["prlimit", f"--pid={java}", f"--data={int(data) * 1024}:"], check=True)
    if not job.restart_when_ended(SECONDS_AWAY):
        job.kill()  # as the system's killer of processes would
        job.restart()


def set_clock_ahead(scene: Scene) -> None:
    scene.clock_file.write_text(f"+{CLOCK_JUMP}\n")


def set_clock_back(scene: Scene) -> None:
    scene.clock_file.write_text(f"-{CLOCK_JUMP}\n")


def kill_task_manager(scene: Scene) -> None:
    """With `rescale`, it dies while the savepoint of the stop is made; the stop is then tried again."""
    job = _on_cluster(scene)
    if scene.moment != "rescale":
        os.kill(job.cluster.busy_task_manager(), signal.SIGKILL)
        return
    pid = job.cluster.busy_task_manager()
    stopping = job.start_stopping()
    wait_for_line(lambda: job.log, "Triggering stop-with-savepoint", START_SECONDS)
    os.kill(pid, signal.SIGKILL)
    path, _ = stopping.communicate(timeout=START_SECONDS)
    if stopping.returncode:
        job.wait_until_running()
        again = job.start_stopping()
        path, errors = again.communicate(timeout=START_SECONDS)
        if again.returncode:
            raise RuntimeError(f"the second stop with a savepoint failed: {errors[-300:]}")
    job.restart(parallelism=2, restore=path.strip())


def pause_task_manager(scene: Scene) -> None:
    _pause(_on_cluster(scene).cluster.busy_task_manager())


def kill_job_manager(scene: Scene) -> None:
    """Without high availability: the cluster is started again, and the job from its newest checkpoint."""
    job = _on_cluster(scene)
    os.kill(job.cluster.job_manager(), signal.SIGKILL)
    time.sleep(1)
    job.cluster.stop()
    job.cluster.start()
    job.restart()


def pause_job_manager(scene: Scene) -> None:
    _pause(_on_cluster(scene).cluster.job_manager())


def kill_broker(scene: Scene) -> None:
    os.kill(scene.servers.broker_pid, signal.SIGKILL)
    time.sleep(SECONDS_AWAY)
    command = [str(KAFKA / "start.sh"), str(scene.servers.kafka_directory)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=START_SECONDS)


def pause_broker(scene: Scene) -> None:
    _pause(scene.servers.broker_pid)


def cut_broker(scene: Scene) -> None:
    _cut(scene.servers.kafka_link.silence, scene.servers.kafka_link.restore)


def delete_topic(scene: Scene) -> None:
    """The topic of the alerts goes and comes back, with the job's other topics unchanged."""
    from kafka import KafkaAdminClient

    topic = f"{scene.prefix}.alerts"
    client = KafkaAdminClient(bootstrap_servers=scene.servers.testbed.servers)
    partitions = len(client.describe_topics([topic])[0]["partitions"])
    client.delete_topics([topic])
    time.sleep(SECONDS_AWAY)
    client.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})
    client.close()


def kill_redis(scene: Scene) -> None:
    """It comes back empty, and is loaded again."""
    scene.servers.redis.kill()
    time.sleep(SECONDS_AWAY)
    scene.servers.redis.start()
    scene.servers.load_store(scene.config)


def pause_redis(scene: Scene) -> None:
    _pause(scene.servers.redis.pid)


def cut_redis(scene: Scene) -> None:
    _cut(scene.servers.redis.link.silence, scene.servers.redis.link.restore)


def refuse_dynamodb(scene: Scene) -> None:
    _cut(scene.servers.dynamodb.link.refuse, scene.servers.dynamodb.link.restore)


def pause_dynamodb(scene: Scene) -> None:
    _pause(scene.servers.dynamodb.pid)


def cut_dynamodb(scene: Scene) -> None:
    _cut(scene.servers.dynamodb.link.silence, scene.servers.dynamodb.link.restore)


def refuse_sns(scene: Scene) -> None:
    _cut(scene.servers.sns.link.refuse, scene.servers.sns.link.restore)


def pause_sns(scene: Scene) -> None:
    _pause(scene.servers.sns.pid)


def cut_sns(scene: Scene) -> None:
    _cut(scene.servers.sns.link.silence, scene.servers.sns.link.restore)


def fill_disk(scene: Scene) -> None:
    if scene.disk is None:
        raise RuntimeError("the cell has no small disk")
    _cut(scene.disk.fill, scene.disk.free)


FAULTS: dict[str, Fault] = {
    "none": do_nothing,
    "process killed": kill_process,
    "process paused": pause_process,
    "process out of memory": exhaust_memory,
    "clock ahead": set_clock_ahead,
    "clock back": set_clock_back,
    "TaskManager killed": kill_task_manager,
    "TaskManager paused": pause_task_manager,
    "JobManager killed": kill_job_manager,
    "JobManager paused": pause_job_manager,
    "broker killed": kill_broker,
    "broker paused": pause_broker,
    "network to the broker": cut_broker,
    "topic of alerts deleted": delete_topic,
    "Redis killed": kill_redis,
    "Redis paused": pause_redis,
    "network to Redis": cut_redis,
    "DynamoDB refuses": refuse_dynamodb,
    "DynamoDB paused": pause_dynamodb,
    "network to DynamoDB": cut_dynamodb,
    "SNS refuses": refuse_sns,
    "SNS paused": pause_sns,
    "network to SNS": cut_sns,
    "disk of checkpoints full": fill_disk,
}
ON_CLUSTER = frozenset({"TaskManager killed", "TaskManager paused", "JobManager killed", "JobManager paused"})
"""Faults of jobs on the scripted cluster; the others are of a local process."""
WITH_CLOCK = frozenset({"clock ahead", "clock back"})


def wait_for_moment(moment: Moment, job: Job, timeout_s: float = 60) -> None:
    """Return when the job's log gets the next line of the moment; at once without one. Raises TimeoutError."""
    if moment in LOG_LINES:
        wait_for_line(lambda: job.log, LOG_LINES[moment], timeout_s)


def _pause(pid: int) -> None:
    """Connections stay open and answer nothing."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(SECONDS_AWAY)
    os.kill(pid, signal.SIGCONT)


def _cut(begin: Callable[[], None], end: Callable[[], None]) -> None:
    begin()
    time.sleep(SECONDS_AWAY)
    end()


def _local(scene: Scene) -> LocalJob:
    if not isinstance(scene.job, LocalJob):
        raise TypeError("a fault of a local job")
    return scene.job


def _on_cluster(scene: Scene) -> ClusterJob:
    if not isinstance(scene.job, ClusterJob):
        raise TypeError("a fault of a job on the cluster")
    return scene.job
