"""Converts the configuration to the settings of the scoring operator and the scorer."""

from __future__ import annotations

from jobs.config.admission import admission_settings
from jobs.config.aws import s3_settings
from jobs.config.job import JobConfig
from jobs.config.kafka import KafkaSink
from jobs.config.stores import cache_settings, online_feature_settings, store_settings
from udfs.metrics.names import MetricSettings
from udfs.process.remote_files import S3Settings
from udfs.records.dead_letter import DeadLetterFormat
from udfs.records.dead_letter_limit import DeadLetterLimitSettings
from udfs.records.outputs import FeatureForm
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.settings import ScorerConfig, ScorerPaths, StartVersions
from udfs.state.settings import UserStateSettings

LETTER_MARGIN_BYTES = 16_384  # key, headers and Kafka's overhead per record


def scorer_config(config: JobConfig) -> ScorerConfig:
    """Settings of the scorer."""
    scoring = config.scoring
    return ScorerConfig(
        base_currency=scoring.base_currency,
        default_timezone=scoring.default_timezone,
        admission=admission_settings(config.source, scoring.latest_timestamp),
        log_features=feature_form(config),
        dead_letters=dead_letter_format(config),
        decision=decision_settings(config),
        start_versions=StartVersions(scoring.thresholds.version, scoring.bundle_version),
        state=UserStateSettings(max_events=config.state.max_events_per_user),
        user_cache_bytes=int(config.state.cache_mb * 2**20),
        cache=cache_settings(config.store),
        online_features=online_feature_settings(config.online_features),
    )


def decision_settings(config: JobConfig) -> DecisionSettings:
    """Thresholds and settings of decisions."""
    scoring = config.scoring
    return DecisionSettings(
        hard_block_above=scoring.thresholds.hard_block,
        soft_challenge_above=scoring.thresholds.soft_challenge,
        refer_above=scoring.thresholds.refer_to_analyst,
        coverage_floor=scoring.coverage_floor,
        aml_amount=scoring.aml_amount,
        flag_alerts=scoring.flag_alerts,
    )


def feature_form(config: JobConfig) -> FeatureForm:
    """Feature form of decisions, the same for all sinks: `auto` is `packed` if any sink is Kafka, else `names`."""
    form = config.scoring.log_features
    if form != "auto":
        return form
    return "packed" if any(isinstance(sink, KafkaSink) for sink in config.sinks) else "names"


def dead_letter_format(config: JobConfig) -> DeadLetterFormat:
    """Dead letters are raw bytes with headers if a sink is Kafka, else JSON."""
    kafka = next((sink for sink in config.sinks if isinstance(sink, KafkaSink)), None)
    if kafka is None:
        return DeadLetterFormat(as_json=True)
    return DeadLetterFormat(as_json=False, largest_bytes=kafka.max_request_bytes - LETTER_MARGIN_BYTES)


def remote_files(config: JobConfig) -> S3Settings:
    """Access to the scorer's files in S3."""
    return s3_settings(config.s3)


def scorer_paths(config: JobConfig) -> ScorerPaths:
    """Paths of bundle, rules and reference data, on the hosts that run the operator, and the remote store."""
    scoring = config.scoring
    return ScorerPaths(
        bundle=scoring.bundle,
        rules=scoring.rules,
        lists=scoring.lists,
        statistics=scoring.statistics,
        reference=scoring.reference,
        histories=scoring.histories,
        fx_rates=scoring.fx_rates,
        store=store_settings(config.store),
    )


def metric_settings(config: JobConfig) -> MetricSettings:
    """Metric settings of the operators; on the managed platform metrics are also registered for CloudWatch."""
    return MetricSettings(forward=config.flink.managed)


def dead_letter_limit(config: JobConfig) -> DeadLetterLimitSettings:
    """Share of dead letters above which the operator fails the job."""
    limit = config.dead_letters
    return DeadLetterLimitSettings(limit.max_ratio, limit.window_records, limit.minimum)
