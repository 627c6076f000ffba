"""The part of the configuration that the operator gets, in the scorer's own terms."""

from __future__ import annotations

from jobs.aws_settings import s3_settings
from jobs.config import JobConfig
from jobs.kafka_settings import KafkaSink
from jobs.store_settings import cache_settings, online_feature_settings, store_settings
from udfs.dead_letter import LetterForm
from udfs.dead_letter_limit import DeadLetterLimitSettings
from udfs.decision_settings import DecisionSettings
from udfs.metric_places import MetricSettings
from udfs.remote_files import S3Settings
from udfs.scorer_config import ScorerConfig, ScorerPaths, StartVersions
from udfs.user_state_settings import UserStateSettings

LETTER_MARGIN_BYTES = 16_384  # key, headers and what Kafka adds to a record


def scorer_config(config: JobConfig) -> ScorerConfig:
    """Settings of the scorer."""
    scoring, letters = config.scoring, letter_form(config)
    return ScorerConfig(
        base_currency=scoring.base_currency,
        default_timezone=scoring.default_timezone,
        latest_timestamp_ms=scoring.latest_timestamp,
        log_features=scoring.log_features,
        dead_letters_as_json=letters.as_json,
        largest_dead_letter_bytes=letters.largest_bytes,
        decision=DecisionSettings(
            hard_block_above=scoring.thresholds.hard_block,
            soft_challenge_above=scoring.thresholds.soft_challenge,
            refer_above=scoring.thresholds.refer_to_analyst,
            coverage_floor=scoring.coverage_floor,
            aml_amount=scoring.aml_amount,
            flag_alerts=scoring.flag_alerts,
        ),
        start_versions=StartVersions(scoring.thresholds.version, scoring.bundle_version),
        state=UserStateSettings(cached_users=scoring.cached_users),
        cache=cache_settings(config.store),
        online_features=online_feature_settings(config.online_features),
    )


def letter_form(config: JobConfig) -> LetterForm:
    """Where outputs go to Kafka, dead letters are bytes with headers, else JSON."""
    kafka = next((sink for sink in config.sinks if isinstance(sink, KafkaSink)), None)
    if kafka is None:
        return LetterForm(as_json=True)
    return LetterForm(as_json=False, largest_bytes=kafka.max_request_bytes - LETTER_MARGIN_BYTES)


def remote_files(config: JobConfig) -> S3Settings:
    """How the scorer reaches its files that are in S3."""
    return s3_settings(config.s3)


def scorer_paths(config: JobConfig) -> ScorerPaths:
    """Where the scorer's parts are, on the machines that the operator runs on."""
    scoring = config.scoring
    return ScorerPaths(
        bundle=scoring.bundle,
        rules=scoring.rules,
        statistics=scoring.statistics,
        reference=scoring.reference,
        histories=scoring.histories,
        fx_rates=scoring.fx_rates,
        store=store_settings(config.store),
    )


def metric_settings(config: JobConfig) -> MetricSettings:
    """Where the operators' metrics stand: on the managed platform, where it looks for them."""
    return MetricSettings(forward=config.flink.managed)


def dead_letter_limit(config: JobConfig) -> DeadLetterLimitSettings:
    """When the operator gives up."""
    limit = config.dead_letters
    return DeadLetterLimitSettings(limit.max_ratio, limit.window_records, limit.minimum)
