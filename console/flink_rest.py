"""What a Flink cluster tells of a job by its REST interface: state, checkpoints, restarts, and the scorer's own metrics."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

TIMEOUT_SECONDS = 3.0
LARGEST_ANSWER = 4_000_000
METRICS_AT_ONCE = 40
SCORER = ".fraud."
"""Group of the scorer's metrics, behind the operator's name."""
_Answer = TypeVar("_Answer")


class FlinkError(Exception):
    """The cluster does not answer, or does not have the job. The message is one line."""


class Checkpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Of one job since its start. `last_…`: the newest complete one; `failure`: of the newest failed one. Times are epoch
    milliseconds. None where there is none."""

    completed: int
    failed: int
    in_progress: int
    last_number: int | None = None
    last_at_ms: int | None = None
    last_duration_ms: int | None = None
    last_bytes: int | None = None
    failed_at_ms: int | None = None
    failure: str | None = None


class ClusterJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as the cluster sees it. `transactions`: scored since the operator's start, by all scorers; `arrival_lag_…_ms`:
    from a record's arrival in the source to its decision, of the slowest scorer. None where the cluster does not tell."""

    job_id: str
    name: str
    state: str
    since_ms: int
    restarts: int | None
    checkpoints: Checkpoints
    transactions: int | None = None
    arrival_lag_p50_ms: float | None = None
    arrival_lag_p99_ms: float | None = None


class _Job(msgspec.Struct):
    jid: str
    name: str
    state: str
    start_ms: int = msgspec.field(name="start-time", default=0)


class _Overview(msgspec.Struct):
    jobs: list[_Job]


class _Counts(msgspec.Struct):
    completed: int
    failed: int
    in_progress: int


class _Completed(msgspec.Struct):
    id: int
    latest_ack_timestamp: int
    end_to_end_duration: int
    state_size: int


class _Failed(msgspec.Struct):
    failure_timestamp: int = 0
    failure_message: str | None = None


class _Latest(msgspec.Struct):
    completed: _Completed | None = None
    failed: _Failed | None = None


class _Checkpointing(msgspec.Struct):
    counts: _Counts
    latest: _Latest


class _Vertex(msgspec.Struct):
    id: str


class _Detail(msgspec.Struct):
    vertices: list[_Vertex]


class _Metric(msgspec.Struct):
    """Of a vertex `sum` and `max` over its instances, of a job `value`."""

    id: str
    value: str | None = None
    sum: float | None = None
    max: float | None = None


_OVERVIEW = msgspec.json.Decoder(_Overview)
_CHECKPOINTING = msgspec.json.Decoder(_Checkpointing)
_DETAIL = msgspec.json.Decoder(_Detail)
_METRICS = msgspec.json.Decoder(list[_Metric])


class FlinkRest:
    """One cluster and the name of one job. Used by one thread; `read` blocks."""

    def __init__(self, address: str, job_name: str) -> None:
        """`address`: such as http://jobmanager:8081. Raises FlinkError for what is no address."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FlinkError(f"{address}: give the address of Flink's REST interface, such as http://127.0.0.1:8081")
        self.address = address.rstrip("/")
        self._job_name = job_name
        self._client = httpx.Client(
            base_url=self.address, timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        )
        self._metrics: tuple[str, dict[str, list[str]]] = "", {}

    def close(self) -> None:
        self._client.close()

    def read(self) -> ClusterJob:
        """The running job of this name, else the newest one. Raises FlinkError."""
        named = [job for job in self._get("/jobs/overview", _OVERVIEW).jobs if job.name == self._job_name]
        if not named:
            raise FlinkError(f"{self.address} has no job {self._job_name}")
        job = max(named, key=lambda one: (one.state == "RUNNING", one.start_ms))
        metrics = self._scorer_metrics(job.jid) if job.state == "RUNNING" else {}
        transactions = metrics.get("transactions")
        return ClusterJob(
            job_id=job.jid, name=job.name, state=job.state, since_ms=job.start_ms, restarts=self._restarts(job.jid),
            checkpoints=_checkpoints(self._get(f"/jobs/{job.jid}/checkpoints", _CHECKPOINTING)),
            transactions=None if transactions is None or transactions.sum is None else round(transactions.sum),
            arrival_lag_p50_ms=_highest(metrics.get("arrival_lag_ms_median")),
            arrival_lag_p99_ms=_highest(metrics.get("arrival_lag_ms_p99")),
        )  # fmt: skip

    def _restarts(self, job_id: str) -> int | None:
        found = self._get(f"/jobs/{job_id}/metrics?get=numRestarts", _METRICS)
        value = next((one.value for one in found if one.id == "numRestarts"), None)
        return int(value) if value is not None and value.isdecimal() else None

    def _scorer_metrics(self, job_id: str) -> dict[str, _Metric]:
        """The wanted metrics of the scorer, by name; without those that the cluster does not have yet."""
        known, by_vertex = self._metrics
        if known != job_id or sum(map(len, by_vertex.values())) < len(WANTED):  # a young operator has some of them
            by_vertex = self._wanted_metrics(job_id)
            self._metrics = job_id, by_vertex
        found: dict[str, _Metric] = {}
        for vertex, ids in by_vertex.items():
            wanted = quote(",".join(ids[:METRICS_AT_ONCE]), safe=",")
            for metric in self._get(f"/jobs/{job_id}/vertices/{vertex}/subtasks/metrics?get={wanted}", _METRICS):
                found[metric.id.partition(SCORER)[2]] = metric
        return found

    def _wanted_metrics(self, job_id: str) -> dict[str, list[str]]:
        """Ids of the wanted metrics by vertex."""
        found = {}
        for vertex in self._get(f"/jobs/{job_id}", _DETAIL).vertices:
            listed = self._get(f"/jobs/{job_id}/vertices/{vertex.id}/subtasks/metrics", _METRICS)
            ids = [metric.id for metric in listed if metric.id.partition(SCORER)[2] in WANTED]
            if ids:
                found[vertex.id] = ids
        return found

    def _get(self, path: str, decoder: msgspec.json.Decoder[_Answer]) -> _Answer:
        try:
            with self._client.stream("GET", path) as answer:
                if answer.status_code != 200:
                    raise FlinkError(f"{self.address} answers {path.partition('?')[0]} with {answer.status_code}")
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise FlinkError(f"{self.address}: its answer to {path.partition('?')[0]} is too large")
            return decoder.decode(body)
        except httpx.HTTPError as error:
            raise FlinkError(f"{self.address} does not answer: {error or type(error).__name__}") from None
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise FlinkError(f"{self.address} gives no answer of Flink's REST interface: {error}") from None


WANTED = frozenset({"transactions", "arrival_lag_ms_median", "arrival_lag_ms_p99"})


def _highest(metric: _Metric | None) -> float | None:
    return None if metric is None else metric.max


def _checkpoints(told: _Checkpointing) -> Checkpoints:
    counts, completed, failed = told.counts, told.latest.completed, told.latest.failed
    return Checkpoints(
        completed=counts.completed, failed=counts.failed, in_progress=counts.in_progress,
        last_number=None if completed is None else completed.id,
        last_at_ms=None if completed is None else completed.latest_ack_timestamp,
        last_duration_ms=None if completed is None else completed.end_to_end_duration,
        last_bytes=None if completed is None else completed.state_size,
        failed_at_ms=None if failed is None else failed.failure_timestamp,
        failure=None if failed is None else failed.failure_message,
    )  # fmt: skip
