"""The job's configuration: one typed, immutable tree. `config_file.load_config` reads it.

Every field says what it is (`description`): `config_help` makes the documentation of that. A new kind of source, sink
or control stream is one more class with its `kind` in the union, and one more branch in sources, sinks or control.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from jobs.aws_settings import KinesisSource, S3Section, SnsSink
from jobs.config_types import (
    CurrencyCode,
    Directory,
    ExistingDirectory,
    ExistingFile,
    ExistingPath,
    KeyPath,
    OptionText,
    RestorePoint,
    RulesPath,
    Timestamp,
    TimezoneName,
    require_no_earlier_run,
    shipped_bundle,
)
from jobs.kafka_settings import KafkaControl, KafkaSink, KafkaSource
from jobs.section import Section
from jobs.store_settings import MemoryStoreSection, NoOnlineFeatures, OnlineFeaturesSection, Store
from udfs.rules.rule_set import MAX_VERSION


class FileSource(Section):
    """A JSON Lines file, read once from its start to its end, in its order."""

    kind: Literal["file"]
    path: ExistingFile = Field(description="the events, one JSON object a line, in order of arrival")
    key_path: KeyPath = Field(
        default="$.user_id", description="JSON path of the user's id, by which records are routed"
    )


Source = Annotated[FileSource | KafkaSource | KinesisSource, Field(discriminator="kind")]


class FilesSink(Section):
    """Files in `decisions/`, `alerts/`, `flags/` and `dead-letters/` of a directory, one JSON object a line.

    Files appear when a checkpoint completes and at the end of the input, exactly once each record.
    """

    kind: Literal["files"]
    directory: Directory = Field(description="where the four folders go; made if missing, must hold no earlier run's")


class PrintSink(Section):
    """One readable line for each alert on the standard output."""

    kind: Literal["print"]
    only: Literal["alerts", "actions", "all"] = Field(
        default="alerts",
        description="`actions` leaves out alerts by a flag alone (`scoring.flag_alerts`), `all` also prints every "
        "decision and flag",
    )


class DiscardSink(Section):
    """Throws everything away; for measuring."""

    kind: Literal["discard"]


Sink = Annotated[FilesSink | PrintSink | KafkaSink | SnsSink | DiscardSink, Field(discriminator="kind")]


class Thresholds(Section):
    """A risk score (0 to 1000) above a threshold gets its action. What is left out is the bundle's own, which were chosen
    for the alerts that analysts can check."""

    refer_to_analyst: int | None = Field(
        default=None, ge=0, le=1000, description="above it: refer to an analyst; null: the bundle's"
    )
    soft_challenge: int | None = Field(
        default=None, ge=0, le=1000, description="above it: soft challenge; null: the bundle's"
    )
    hard_block: int | None = Field(default=None, ge=0, le=1000, description="above it: hard block; null: the bundle's")
    version: int = Field(
        default=0, ge=0, le=MAX_VERSION, description="thresholds of the control stream up to this version are ignored"
    )

    @model_validator(mode="after")
    def _ascending(self) -> Thresholds:
        given = [self.refer_to_analyst, self.soft_challenge, self.hard_block]
        fixed = [threshold for threshold in given if threshold is not None]
        if fixed != sorted(fixed):
            raise ValueError("must ascend: refer_to_analyst <= soft_challenge <= hard_block")
        return self


class Scoring(Section):
    """What the scorer loads at the start, and by which settings it decides."""

    bundle: ExistingDirectory = Field(default_factory=shipped_bundle, description="directory of the model bundle")
    bundle_version: int = Field(
        default=0, ge=0, le=MAX_VERSION, description="bundles of the control stream up to this version are ignored"
    )
    rules: RulesPath = Field(default="bank", description="a rule file, or the name of a shipped pack")
    statistics: ExistingFile | None = Field(
        default=None,
        description="statistics of the population that is scored (`fraud stats`), for rules; null: what rules compare "
        "with them is unknown",
    )
    reference: ExistingDirectory | None = Field(
        default=None,
        description="folder with users.jsonl, merchants.jsonl, devices.jsonl, feeds and block_list.jsonl; beside a "
        "remote store only the block list is read",
    )
    histories: ExistingFile | None = Field(
        default=None, description="entities' history (`fraud aggregate`), in place of the reference folder's own"
    )
    fx_rates: ExistingFile | None = Field(
        default=None, description="dated exchange rates; without it all currencies count 1:1"
    )
    base_currency: CurrencyCode = Field(
        default="USD", description="ISO 4217 code of the currency that amounts are summed in"
    )
    default_timezone: TimezoneName = Field(default="UTC", description="time zone of users whose profile names none")
    thresholds: Thresholds = Field(default_factory=Thresholds)
    coverage_floor: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="where less of the model's importance was known, the score alone refers to an analyst at most; null: "
        "the bundle's",
    )
    flag_alerts: bool = Field(
        default=False,
        description="compliance flags without an action are alerts, each; otherwise they go to the flags, once a day, user "
        "and flag",
    )
    aml_amount: float = Field(default=100_000, gt=0, description="amounts above it (base currency) raise the AML flag")
    log_features: bool = Field(
        default=True, description="write each decision's features, so that it can be scored again"
    )
    latest_timestamp: Timestamp | None = Field(
        default=None,
        description="events after it are dead letters, where the source does not tell when a record arrived",
    )
    cached_users: int = Field(default=100_000, ge=1, description="users kept decoded in memory, per parallel instance")
    batch_size: int = Field(
        default=32, ge=1, le=1_024, description="records that are looked up and scored at once while more are coming"
    )
    batch_wait_ms: int = Field(
        default=5, ge=1, le=1_000, description="how long a record waits for others to go with it"
    )


class DeadLetters(Section):
    """When so many records are bad that the job had better stop."""

    max_ratio: float = Field(
        default=0.5, gt=0, le=1, description="share of dead letters above which the job fails; 1: never"
    )
    window_records: int = Field(default=1_000, ge=1, le=10_000_000, description="newest records that are looked at")
    minimum: int = Field(default=100, ge=1, description="records that must be there before the share counts")

    @model_validator(mode="after")
    def _reachable(self) -> DeadLetters:
        if self.minimum > self.window_records:
            raise ValueError("minimum must not be above window_records, or the limit could never be met")
        return self


class State(Section):
    """Where users' state lives, and how it outlives the process."""

    backend: Literal["hashmap", "rocksdb"] = Field(
        default="hashmap", description="`rocksdb` for state larger than memory"
    )
    checkpoint_dir: Directory | None = Field(
        default=None, description="where checkpoints go; without it there are none"
    )
    checkpoint_interval_ms: int = Field(default=10_000, ge=100, description="time between checkpoints")
    restore_from: RestorePoint | None = Field(
        default=None,
        description="savepoint, checkpoint, or checkpoint_dir of an earlier run (its newest complete checkpoint)",
    )
    allow_non_restored: bool = Field(
        default=False, description="drop saved state of operators that the job no longer has"
    )
    ttl_days: int = Field(
        default=400, ge=60, description="days after its last write when Flink may collect a user's state"
    )


class Flink(Section):
    """How the job runs."""

    managed: bool = Field(
        default=False,
        description="the platform (AWS' Managed Service) sets parallelism, checkpoints, state and restarts: the job sets "
        "only what it may, and has its metrics taken to CloudWatch (docs/managed-flink.md)",
    )
    parallelism: int = Field(
        default=1, ge=1, le=128, description="parallel scorers; one slot and one TaskManager for each"
    )
    buffer_timeout_ms: int = Field(
        default=5, ge=0, description="how long a record may wait for others before it is sent on"
    )
    restart_attempts: int = Field(
        default=0,
        ge=0,
        description="restarts after failures (exponential delay; 5 minutes without one reset the count); 0: none",
    )
    log_directory: Directory = Field(
        default="out/logs", description="the JVM's logs, when the job runs in this process"
    )
    extra: dict[str, OptionText] = Field(
        default_factory=dict, description="further Flink options, as in Flink's own files"
    )


class NoControl(Section):
    """No control stream: all stays as it is at the start."""

    kind: Literal["none"] = "none"


class FileControl(Section):
    """Control elements, one JSON object a line, from a file or a watched directory."""

    kind: Literal["file"]
    path: ExistingPath = Field(description="a file or a directory of files; a file's lines are applied in their order")
    poll_interval_ms: int | None = Field(
        default=None, ge=10, description="watch the directory for new files; the job then runs until it is stopped"
    )


Control = Annotated[NoControl | FileControl | KafkaControl, Field(discriminator="kind")]


class JobConfig(Section):
    """The whole configuration of the scoring job."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        default="score-transactions", description="the job's name in Flink"
    )
    source: Source
    sinks: tuple[Sink, ...] = Field(description="where outputs go; at least one")
    scoring: Scoring = Field(default_factory=Scoring)
    store: Store = Field(default_factory=MemoryStoreSection)
    online_features: OnlineFeaturesSection = Field(default_factory=NoOnlineFeatures)
    dead_letters: DeadLetters = Field(default_factory=DeadLetters)
    state: State = Field(default_factory=State)
    flink: Flink = Field(default_factory=Flink)
    s3: S3Section = Field(default_factory=S3Section)
    control: Control = Field(default_factory=NoControl)

    @model_validator(mode="after")
    def _sinks_fit(self) -> JobConfig:
        if not self.sinks:
            raise ValueError("sinks: give at least one, for example kind: print")
        kinds = [sink.kind for sink in self.sinks]
        if kinds.count("print") > 1 or kinds.count("discard") > 1:
            raise ValueError("sinks: at most one sink of kind print and one of kind discard")
        directories = [sink.directory for sink in self.sinks if isinstance(sink, FilesSink)]
        if len(set(directories)) < len(directories):
            raise ValueError("sinks: two sinks of kind files share a directory")
        self._kafka_fits(has_checkpoints=self.flink.managed or self.state.checkpoint_dir is not None)
        self._sns_fits(kinds)
        if self.state.restore_from is None:
            for sink in self.sinks:
                if isinstance(sink, FilesSink):
                    require_no_earlier_run(sink.directory)
        return self

    @model_validator(mode="after")
    def _stores_fit(self) -> JobConfig:
        if isinstance(self.store, MemoryStoreSection):
            if not isinstance(self.online_features, NoOnlineFeatures):
                raise ValueError("online_features: kind: store needs a store of kind redis or dynamodb")
        elif self.scoring.histories is not None:
            raise ValueError(
                f"scoring: histories belong to the store of kind memory: fill {self.store.kind} with `fraud load`"
            )
        return self

    @model_validator(mode="after")
    def _platform_fits(self) -> JobConfig:
        if self.flink.managed:
            state = {key for key in ("checkpoint_dir", "restore_from") if getattr(self.state, key) is not None}
            theirs = [f"state.{key}" for key in sorted(state)] + (["flink.extra"] if self.flink.extra else [])
            if theirs:
                raise ValueError(f"flink: managed: true leaves {', '.join(theirs)} to the platform: remove it here")
        return self

    def _sns_fits(self, kinds: Sequence[str]) -> None:
        if kinds.count("sns") > 1:
            raise ValueError("sinks: at most one sink of kind sns: let its subscriptions filter")
        if "sns" in kinds and not {"files", "kafka", "discard"} & set(kinds):
            raise ValueError(
                "sinks: sns takes alerts alone: add a sink of kind files or kafka for decisions and dead letters "
                "(or discard, to throw them away)"
            )

    def _kafka_fits(self, has_checkpoints: bool) -> None:
        source = self.source
        if isinstance(source, KafkaSource) and source.start == "group-offsets" and not has_checkpoints:
            raise ValueError("source: start: group-offsets needs state.checkpoint_dir: checkpoints commit the offsets")
        sinks = [sink for sink in self.sinks if isinstance(sink, KafkaSink)]
        if len(sinks) > 1:
            raise ValueError("sinks: at most one sink of kind kafka")
        for sink in sinks:
            if sink.guarantee == "exactly-once" and not has_checkpoints:
                raise ValueError(
                    "sinks: guarantee: exactly-once needs state.checkpoint_dir: checkpoints commit the transactions"
                )
            if sink.guarantee == "exactly-once" and sink.transaction_timeout_ms < 3 * self.state.checkpoint_interval_ms:
                raise ValueError(
                    f"sinks: transaction_timeout_ms {sink.transaction_timeout_ms} must be at least three times "
                    f"state.checkpoint_interval_ms {self.state.checkpoint_interval_ms}, or transactions end before "
                    "their checkpoint and their outputs are lost"
                )
            if isinstance(source, KafkaSource) and set(source.topics) & set(sink.topic_names.values()):
                raise ValueError("sinks: a topic of the kafka sink is one that the source reads")
