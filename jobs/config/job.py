"""The scoring job's configuration: one typed, immutable tree, read by `jobs.config.loading.load_config`.

The `description` of each field is its documentation (`jobs.config.help`). A new kind of source, sink or control stream
needs a class with its `kind` in the union, and an entry in jobs/pipeline/sources.py or sinks.py, or a branch in
jobs/control/stream.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from jobs.config.aws import KinesisSource, S3Section, SnsSink
from jobs.config.control import GovernedSection
from jobs.config.event_source import EventSourceSection
from jobs.config.kafka import KafkaControl, KafkaReplies, KafkaSink, KafkaSource, NoReplies
from jobs.config.section import Section
from jobs.config.stores import MemoryStoreSection, NoOnlineFeatures, OnlineFeaturesSection, Store
from jobs.config.value_types import (
    NEWEST,
    NO_STATE,
    CurrencyCode,
    Directory,
    ExistingDirectory,
    ExistingFile,
    ExistingPath,
    LogFeatures,
    OptionText,
    RestorePoint,
    RulesPath,
    Timestamp,
    TimezoneName,
    require_no_earlier_run,
    shipped_bundle,
)
from udfs.rules.rule_set import MAX_VERSION


class FileSource(EventSourceSection):
    """A JSON Lines file, read once from start to end, in order."""

    kind: Literal["file"]
    path: ExistingFile = Field(description="file of events, one JSON object a line, in order of arrival")


Source = Annotated[FileSource | KafkaSource | KinesisSource, Field(discriminator="kind")]


class FilesSink(Section):
    """JSON Lines files in `decisions/`, `alerts/`, `flags/` and `dead-letters/` of a directory.

    Files are committed with each checkpoint and at the end of the input, exactly once.
    """

    kind: Literal["files"]
    directory: Directory = Field(
        description="parent of the four folders; created if missing, must not hold outputs of an earlier run"
    )


class PrintSink(Section):
    """One readable line per alert on standard output."""

    kind: Literal["print"]
    only: Literal["alerts", "actions", "all"] = Field(
        default="alerts",
        description="`actions` omits alerts that only a flag caused (`scoring.flag_alerts`), `all` also prints decisions "
        "and flags",
    )


class DiscardSink(Section):
    """Discards all outputs; for benchmarks."""

    kind: Literal["discard"]


Sink = Annotated[FilesSink | PrintSink | KafkaSink | SnsSink | DiscardSink, Field(discriminator="kind")]


class Thresholds(Section):
    """A risk score (0 to 1000) above a threshold leads to its action. Omitted thresholds are the bundle's, chosen at
    training for the number of alerts that analysts can check."""

    refer_to_analyst: int | None = Field(
        default=None, ge=0, le=1000, description="scores above it: refer to an analyst; null: the bundle's"
    )
    soft_challenge: int | None = Field(
        default=None, ge=0, le=1000, description="scores above it: soft challenge; null: the bundle's"
    )
    hard_block: int | None = Field(
        default=None, ge=0, le=1000, description="scores above it: hard block; null: the bundle's"
    )
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
    """What the scorer loads at start-up, and its settings."""

    bundle: ExistingDirectory = Field(default_factory=shipped_bundle, description="directory of the model bundle")
    bundle_version: int = Field(
        default=0, ge=0, le=MAX_VERSION, description="bundles of the control stream up to this version are ignored"
    )
    rules: RulesPath = Field(
        default="bank",
        description="a rule file, or the name of a shipped pack; or a list of them, used together (docs/rules.md)",
    )
    lists: ExistingPath | None = Field(
        default=None,
        description="file of a named list (YAML), or a folder of them, that rules refer to as `@name`; null: none at the "
        "start",
    )
    statistics: ExistingFile | None = Field(
        default=None,
        description="statistics of the scored population (`fraud stats`), used by rules; null: values that rules compare "
        "with are unknown",
    )
    reference: ExistingDirectory | None = Field(
        default=None,
        description="folder with users.jsonl, merchants.jsonl, devices.jsonl, feeds and block_list.jsonl; with a remote "
        "store only the block list is read",
    )
    histories: ExistingFile | None = Field(
        default=None, description="entity histories (`fraud aggregate`), in place of those of the reference folder"
    )
    fx_rates: ExistingFile | None = Field(
        default=None, description="dated exchange rates; null: all currencies count 1:1"
    )
    base_currency: CurrencyCode = Field(default="USD", description="ISO 4217 code of the currency of all sums")
    default_timezone: TimezoneName = Field(default="UTC", description="time zone of users without one in their profile")
    thresholds: Thresholds = Field(default_factory=Thresholds)
    coverage_floor: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="if a smaller share of the model's importance was known, the score alone leads to `refer_to_analyst` "
        "at most; null: the bundle's",
    )
    flag_alerts: bool = Field(
        default=False,
        description="true: each compliance flag without an action is an alert; false: it goes to the flags, once per day, "
        "user and flag",
    )
    aml_amount: float = Field(
        default=100_000,
        gt=0,
        description="amount in base currency above which the AML flag is set, unless rules decide on that flag",
    )
    log_features: LogFeatures = Field(
        default="auto",
        description="how decisions carry their features: by name, packed (less than half the size, docs/events.md), or "
        "not; `auto`: packed if a sink is Kafka, else by name; true is `names`, false is `none`",
    )
    latest_timestamp: Timestamp | None = Field(
        default=None,
        description="later events are dead letters, for sources whose records carry no arrival time; null: for files ten "
        "minutes after the start of the job",
    )
    batch_size: int = Field(
        default=32,
        ge=1,
        le=1_024,
        description="maximum records that are looked up and scored together; a smaller batch is scored as soon as the "
        "input pauses",
    )

    @model_validator(mode="before")
    @classmethod
    def _cache_is_in_megabytes(cls, given: object) -> object:
        if isinstance(given, dict) and "cached_users" in given:
            raise ValueError(
                "cached_users is no longer a key: the memory of decoded users is now limited in megabytes; remove it and "
                "write state.cache_mb, for example 512 (the default)"
            )
        return given


class DeadLetters(Section):
    """Limit of dead letters above which the job fails."""

    max_ratio: float = Field(
        default=0.5, gt=0, le=1, description="share of dead letters above which the job fails; 1: never"
    )
    window_records: int = Field(
        default=1_000, ge=1, le=10_000_000, description="number of newest records that the share is taken over"
    )
    minimum: int = Field(default=100, ge=1, description="records read before the limit applies")

    @model_validator(mode="after")
    def _reachable(self) -> DeadLetters:
        if self.minimum > self.window_records:
            raise ValueError("minimum must not be above window_records, or the limit would never apply")
        return self


class State(Section):
    """State backend, checkpoints and restoring."""

    backend: Literal["hashmap", "rocksdb"] = Field(
        default="hashmap", description="state backend; `rocksdb` for state larger than memory"
    )
    checkpoint_dir: Directory | None = Field(default=None, description="directory of checkpoints; null: no checkpoints")
    checkpoint_interval_ms: int = Field(default=10_000, ge=100, description="time between checkpoints")
    tolerable_failed_checkpoints: int = Field(
        default=20,
        ge=0,
        description="failed checkpoints in a row, for example of a full disk, that the job survives; one more restarts it",
    )
    restore_from: RestorePoint | None = Field(
        default=None,
        description="savepoint, checkpoint, or checkpoint_dir of an earlier run (its newest complete checkpoint); `newest`: "
        "that of `checkpoint_dir`; `newest-or-none`: that, or an empty state if there is none; `none`: an empty state; not "
        "given: the job does not start if `checkpoint_dir` holds a checkpoint",
    )
    allow_non_restored: bool = Field(
        default=False, description="drop saved state of operators that are no longer in the job"
    )
    cache_mb: float = Field(
        default=512,
        gt=0,
        le=1_000_000,
        description="memory for users that are kept decoded, in megabytes per parallel instance; users beyond it are loaded "
        "from the state again",
    )
    max_events_per_user: int = Field(
        default=100_000,
        ge=1_000,
        le=10_000_000,
        description="events within 48 h that are remembered of one user; of more the oldest are forgotten, and decisions "
        "are tagged `limited_history`",
    )
    ttl_days: int = Field(
        default=400, ge=60, description="days after the last write before Flink may delete a user's state"
    )

    @model_validator(mode="after")
    def _has_newest(self) -> State:
        if self.restore_from in NEWEST and self.checkpoint_dir is None:
            raise ValueError(f"restore_from: {self.restore_from} needs checkpoint_dir, where the checkpoints are")
        return self


class Flink(Section):
    """Runtime settings of the job."""

    managed: bool = Field(
        default=False,
        description="the platform (AWS Managed Service) sets parallelism, checkpoints, state and restarts: the job sets "
        "only permitted options, and its metrics are forwarded to CloudWatch (docs/managed-flink.md)",
    )
    parallelism: int = Field(default=1, ge=1, le=128, description="parallel scorers; each needs one slot")
    buffer_timeout_ms: int = Field(
        default=1, ge=0, description="maximum wait of a record in a network buffer before it is sent"
    )
    restart_attempts: int = Field(
        default=0,
        ge=0,
        description="maximum restarts after failures (exponential delay; reset after 5 minutes without a failure)",
    )
    log_directory: Directory = Field(default="out/logs", description="directory of the JVM's logs in a local run")
    extra: dict[str, OptionText] = Field(
        default_factory=dict, description="additional Flink options, with Flink's names; they override all others"
    )


class NoControl(Section):
    """No control stream: rules, thresholds, block list and bundle stay as loaded at start-up."""

    kind: Literal["none"] = "none"


class FileControl(GovernedSection):
    """Control elements, one JSON object a line, from a file or from the files of a directory."""

    kind: Literal["file"]
    path: ExistingPath = Field(description="file, or directory of files; the lines of a file are applied in order")
    poll_interval_ms: int | None = Field(
        default=None,
        ge=10,
        description="interval of polling the directory for new files; the job then runs until it is stopped",
    )


Control = Annotated[NoControl | FileControl | KafkaControl, Field(discriminator="kind")]


Replies = Annotated[NoReplies | KafkaReplies, Field(discriminator="kind")]


class JobConfig(Section):
    """The whole configuration of the scoring job."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        default="score-transactions", description="the job's name in Flink"
    )
    source: Source
    sinks: tuple[Sink, ...] = Field(description="destinations of outputs; at least one")
    scoring: Scoring = Field(default_factory=Scoring)
    store: Store = Field(default_factory=MemoryStoreSection)
    online_features: OnlineFeaturesSection = Field(default_factory=NoOnlineFeatures)
    dead_letters: DeadLetters = Field(default_factory=DeadLetters)
    state: State = Field(default_factory=State)
    flink: Flink = Field(default_factory=Flink)
    s3: S3Section = Field(default_factory=S3Section)
    control: Control = Field(default_factory=NoControl)
    replies: Replies = Field(default_factory=NoReplies)

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
        if self.state.restore_from in (None, NO_STATE):
            for sink in self.sinks:
                if isinstance(sink, FilesSink):
                    require_no_earlier_run(sink.directory)
        return self

    @model_validator(mode="after")
    def _replies_fit(self) -> JobConfig:
        if isinstance(self.replies, KafkaReplies):
            if not isinstance(self.source, KafkaSource):
                raise ValueError("replies: kind: kafka needs a source of kind kafka, whose records say who waits")
            topics = {name for sink in self.sinks if isinstance(sink, KafkaSink) for name in sink.topic_names.values()}
            if self.replies.topic in topics | set(self.source.topics):
                raise ValueError(f"replies.topic: {self.replies.topic} is a topic of source or sinks; name another")
        return self

    @model_validator(mode="after")
    def _stores_fit(self) -> JobConfig:
        if isinstance(self.store, MemoryStoreSection):
            if not isinstance(self.online_features, NoOnlineFeatures):
                raise ValueError("online_features: kind: store needs a store of kind redis or dynamodb")
        elif self.scoring.histories is not None:
            raise ValueError(
                f"scoring: histories needs a store of kind memory: fill {self.store.kind} with `fraud load`"
            )
        return self

    @model_validator(mode="after")
    def _platform_fits(self) -> JobConfig:
        if self.flink.managed:
            state = {key for key in ("checkpoint_dir", "restore_from") if getattr(self.state, key) is not None}
            platform_keys = [f"state.{key}" for key in sorted(state)] + (["flink.extra"] if self.flink.extra else [])
            if platform_keys:
                raise ValueError(
                    f"flink: with managed: true the platform sets {', '.join(platform_keys)}: remove it here"
                )
        return self

    def _sns_fits(self, kinds: Sequence[str]) -> None:
        if kinds.count("sns") > 1:
            raise ValueError("sinks: at most one sink of kind sns: filter by subscription")
        if "sns" in kinds and not {"files", "kafka", "discard"} & set(kinds):
            raise ValueError(
                "sinks: sns takes only alerts: add a sink of kind files or kafka for decisions and dead letters "
                "(or discard, to drop them)"
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
                    f"state.checkpoint_interval_ms {self.state.checkpoint_interval_ms}, or transactions time out before "
                    "their checkpoint and their outputs are lost"
                )
            if isinstance(source, KafkaSource) and set(source.topics) & set(sink.topic_names.values()):
                raise ValueError("sinks: the kafka sink writes to a topic that the source reads")
