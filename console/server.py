"""One process of the console: opens the store and what decides, serves the API, and closes everything again."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import NoReturn

import msgspec
import uvicorn
from fastapi import FastAPI

from console.answers.embedded import EmbeddedAnswers
from console.answers.embedded_log import EmbeddedLogError
from console.answers.kafka import KafkaAnswers
from console.answers.kafka_events import KafkaEvents
from console.answers.port import Unavailable
from console.answers.reply_partition import NoReplyTopic
from console.api.app import create_app
from console.api.metrics import ApiMetrics
from console.api.protocol import protocol_of
from console.api.services import Services, Versions
from console.cases.block_list import BlockList
from console.cases.label_sender import LabelSender, TakesEvents
from console.control_desk import ControlDesk
from console.control_watch import ControlWatch
from console.decides_with import NOT_KNOWN, DecidesWith
from console.embedded_intake import EmbeddedIntake
from console.flink_rest import FlinkError, FlinkRest
from console.job_in_force import JobInForce
from console.kafka_intake import KafkaIntakes
from console.measured import Measured
from console.notifications.notifier import Notifier
from console.notifications.settings import NotificationSettings
from console.oidc.provider import Provider
from console.oidc.settings import OidcClient
from console.oidc.signing_in import SigningIn
from console.replay_desk import ReplayDesk
from console.replay_orders import ReplaySource
from console.settings import SCORER_LOG, ApiSettings, is_loopback
from console.store.errors import StoreError
from console.store.held import Held, held_by_job, held_by_running_log, held_by_store
from console.store.intake_kafka import NO_KAFKA, topics_of
from console.store.store import DecisionStore, FeatureSets
from console.web.accounts import accounts
from jobs.config.control import authority_settings
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig, NoControl
from jobs.config.kafka import KafkaReplies, KafkaSource
from jobs.config.record_format import record_format
from jobs.config.scoring import scorer_config, scorer_paths
from jobs.control.channel import ChannelError
from jobs.control.key_files import KeyFileError, key_of_environment
from jobs.control.opening import open_channel
from jobs.kafka.administration import administration, require_topics
from jobs.kafka.client import librdkafka_settings
from jobs.kafka.erasures import publish_erasure
from udfs.control.authority import Authority
from udfs.process.collector import collect_garbage_rarely
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.events import Erasure
from udfs.rules.list_files import lists_of
from udfs.rules.pack_files import rule_set_of
from udfs.scoring.bundle import read_manifest
from udfs.scoring.factory import OPENING_ERRORS
from udfs.scoring.settings import ScorerConfig, ScorerPaths

DISTRIBUTION = "streaming-fraud-detector"
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while others wait; Python's usual 5 ms would delay answers."""
STOP_SECONDS = 10
KEEP_ALIVE_SECONDS = 65
WAITING_CONNECTIONS = 2048


class StartError(Exception):
    """The console cannot start; the message says what to change."""


class EmbeddedOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the embedded scorer decides with. Paths are as in ScorerPaths."""

    paths: ScorerPaths
    log_path: Path = Path(SCORER_LOG)
    base_currency: str = "USD"


class ConsoleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a console serves. `embedded`: what decides in this process. `job`: the running job that decides, if it replies,
    and whose topics are taken into the store. With neither it only reads its store. `notifications`: whom to tell
    of alerts. `decided`, `replay_source`: of a scored run that is read, what decided it, where that is known.
    `flink_address`: of the REST interface of the job's cluster. `oidc`: the provider that people may sign in with.
    `skip_missing`: the store goes on with the earliest records of topics whose next ones were removed."""

    api: ApiSettings
    store_url: str
    embedded: EmbeddedOptions | None = None
    job: JobConfig | None = None
    notifications: NotificationSettings | None = None
    decided: DecidesWith = NOT_KNOWN
    flink_address: str | None = None
    oidc: OidcClient | None = None
    replay_source: ReplaySource | None = None
    skip_missing: bool = False


def serve(options: ConsoleOptions, on_start: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `on_start` gets the URL once connections are accepted. Raises StartError."""
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _stop)  # uvicorn raises the signal again when it has ended, so that all is closed
    try:
        with opened(options) as services, _listening(options.api) as listener:
            host, port = options.api.host, listener.getsockname()[1]
            on_start(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            collect_garbage_rarely()
            server_of(services).run(sockets=[listener])
    except KeyboardInterrupt:
        return


@contextmanager
def opened(options: ConsoleOptions) -> Iterator[Services]:
    """The services of these options; closes them. Raises StartError."""
    with ExitStack() as stack:
        try:
            if options.embedded is not None:
                services = _deciding(options, options.embedded, stack)
            elif options.job is not None:
                services = _beside_job(options, options.job, stack)
            else:
                services = _reading(options, stack)
            services = _with_sign_in(options, _measured(options, services, stack), stack)
        except (StoreError, ConfigError, NoReplyTopic, KeyFileError, FlinkError, *_SCORER_ERRORS) as error:
            raise StartError(str(error)) from None
        if options.notifications is not None:
            notifier = Notifier(services.store.database, options.notifications, os.environ, SYSTEM_CLOCKS.wall_ms)
            notifier.start()
            stack.callback(notifier.stop)
        yield services


def _measured(options: ConsoleOptions, services: Services, stack: ExitStack) -> Services:
    """The services with what measures them, if anything is decided. Raises FlinkError."""
    job, address = options.job, options.flink_address
    if job is None and options.embedded is None:
        return services
    flink = None if job is None or address is None else FlinkRest(address, job.name)
    measured = Measured(services.metrics, services.store_lag, services.reply_lag_seconds, services.now_ms, job, flink)
    measured.start()
    stack.callback(measured.stop)
    return dataclasses.replace(services, measured=measured)


def _with_sign_in(options: ConsoleOptions, services: Services, stack: ExitStack) -> Services:
    """The services with sign-in by a provider, if one is configured."""
    if options.oidc is None:
        return services
    provider = Provider(options.oidc, monotonic)
    stack.callback(provider.close)
    return dataclasses.replace(services, oidc=SigningIn(options.oidc, provider, services.now_ms))


_SCORER_ERRORS = (EmbeddedLogError, *OPENING_ERRORS)


def _reading(options: ConsoleOptions, stack: ExitStack) -> Services:
    """Services that decide nothing."""
    store = _open_store(options, {}, stack)
    versions = Versions(program=program_version())
    return Services(
        answers=None, store=store, settings=options.api, versions=lambda: versions, now_ms=SYSTEM_CLOCKS.wall_ms,
        held=lambda _: held_by_store(store.database.is_sqlite), decides_with=lambda: options.decided,
        replays=_replays(options, options.replay_source, stack),
    )  # fmt: skip


def _beside_job(options: ConsoleOptions, job: JobConfig, stack: ExitStack) -> Services:
    """Services of a running job: its replies are the answers, if it gives any."""
    metrics = ApiMetrics()
    store = _open_store(options, {}, stack)
    _require_topics(job)
    intakes = KafkaIntakes(job, options.store_url, metrics, options.skip_missing)
    intakes.start()
    stack.callback(intakes.stop)
    answers = _answers_of(job, options.api.deadline_ms / 1_000)
    if answers is not None:
        stack.callback(lambda: asyncio.run(answers.close()))
    _send_labels(store, answers or _events_of(job, stack), stack)
    in_force = JobInForce(
        job, Versions(program=program_version(), answers=None if answers is None else "kafka"), SYSTEM_CLOCKS.wall_ms,
        store.knows_features,
    )  # fmt: skip
    in_force.start()
    stack.callback(in_force.stop)
    control = _control_of(job, store)
    if control is not None:
        watch = ControlWatch(control, store.database)
        watch.start()
        stack.callback(watch.stop)

    is_published = isinstance(job.source, KafkaSource)

    def held(now_ms: int) -> list[Held]:
        of_store = held_by_store(store.database.is_sqlite)
        try:
            return held_by_job(job, now_ms, is_published) + of_store
        except ConfigError as error:
            return [Held("the job's topics and state", f"not known now: {error}"), *of_store]

    return Services(
        answers=answers, store=store, settings=options.api, versions=in_force.versions, now_ms=SYSTEM_CLOCKS.wall_ms,
        decides_with=in_force.now, look_again=in_force.look, metrics=metrics, store_lag=intakes.lag_records,
        block_list=_block_list_of(job),
        takes_labels=answers is not None or isinstance(job.source, KafkaSource), control=control,
        forget=partial(_publish, job) if is_published else None, held=held,
        reply_lag_seconds=(lambda: None) if answers is None else answers.lag_seconds,
        replays=_replays(options, _replay_source(job), stack),
    )  # fmt: skip


async def _publish(job: JobConfig, erasure: Erasure) -> None:
    """Have the job and all readers of its events forget a user. Raises Unavailable."""
    try:
        await asyncio.to_thread(publish_erasure, job, erasure)
    except ConfigError as error:
        raise Unavailable(str(error), retry_after_seconds=5) from None


def _control_of(job: JobConfig, store: DecisionStore) -> ControlDesk | None:
    """What changes the job; None without a control stream. Raises KeyFileError."""
    if isinstance(job.control, NoControl):
        return None
    return ControlDesk(store, job, key_of_environment(), SYSTEM_CLOCKS.wall_ms)


def _require_topics(job: JobConfig) -> None:
    """Raises ConfigError, in one line, for a job without Kafka, for brokers that do not answer, and for topics that are not
    there."""
    wanted = [(connection, list(topics)) for connection, topics in topics_of(job)]
    if not wanted:
        raise ConfigError(NO_KAFKA)
    record_format(job.source, job.s3)
    if isinstance(job.replies, KafkaReplies):
        wanted.append((job.replies.connection, [job.replies.topic]))
    for connection, topics in wanted:
        with administration(connection) as client:
            require_topics(client, connection, topics)


def _answers_of(job: JobConfig, deadline_seconds: float) -> KafkaAnswers | None:
    """Raises NoReplyTopic, and ConfigError for missing credentials."""
    if not isinstance(job.replies, KafkaReplies) or not isinstance(job.source, KafkaSource):
        return None
    if job.source.mapping is not None:
        return None  # callers send events of docs/events.md, which this job does not read
    return KafkaAnswers(
        job.source.topics[0],
        job.replies.topic,
        librdkafka_settings(job.source.connection),
        librdkafka_settings(job.replies.connection),
        deadline_seconds,
        monotonic,
    )


def _deciding(options: ConsoleOptions, embedded: EmbeddedOptions, stack: ExitStack) -> Services:
    """Services of the embedded scorer."""
    paths, metrics = embedded.paths, ApiMetrics()
    config = ScorerConfig(log_features="packed", base_currency=embedded.base_currency)
    manifest, rules = read_manifest(paths.bundle), rule_set_of(paths.rules)
    store = _open_store(options, {manifest.feature_set_version: manifest.feature_names}, stack)
    answers = EmbeddedAnswers(
        config,
        paths,
        embedded.log_path,
        SYSTEM_CLOCKS,
        SYSTEM_CLOCKS.wall_ms,
        is_taken=True,
    )
    intake = EmbeddedIntake(embedded.log_path, options.store_url, store, metrics, answers.set_taken)
    intake.start()
    stack.callback(intake.stop)  # after the answers have closed: takes their last records
    stack.callback(lambda: asyncio.run(answers.close()))
    _send_labels(store, answers, stack)
    versions = Versions(
        program=program_version(), answers="embedded", bundle=manifest.version, bundle_name=manifest.name,
        feature_set=manifest.feature_set_version, rules=rules.name, rules_version=rules.version,
    )  # fmt: skip
    decides_with = DecidesWith(
        rules, Path(paths.bundle), lists=lists_of(paths.lists), settings=config.decision, statistics=paths.statistics
    )
    return Services(
        answers=answers, store=store, settings=options.api, versions=lambda: versions, now_ms=SYSTEM_CLOCKS.wall_ms,
        decides_with=lambda: decides_with, metrics=metrics, store_lag=intake.lag_records,
        takes_labels=True, forget=answers.erase,
        held=lambda _: held_by_running_log(embedded.log_path) + held_by_store(store.database.is_sqlite),
        replays=_replays(options, ReplaySource(config, paths), stack),
    )  # fmt: skip


def _replays(options: ConsoleOptions, source: ReplaySource | None, stack: ExitStack) -> ReplayDesk | None:
    if source is None:
        return None
    desk = ReplayDesk(options.store_url, source)
    stack.callback(desk.close)
    return desk


def _replay_source(job: JobConfig) -> ReplaySource:
    """A replay tells nobody else of what it finds."""
    return ReplaySource(msgspec.structs.replace(scorer_config(job), online_features=None), scorer_paths(job), job)


def _events_of(job: JobConfig, stack: ExitStack) -> KafkaEvents | None:
    """What takes events of a job that gives no replies; None if it does not read from Kafka. Raises ConfigError."""
    if not isinstance(job.source, KafkaSource):
        return None
    events = KafkaEvents(job.source.topics[0], librdkafka_settings(job.source.connection))
    stack.callback(events.close)
    return events


def _send_labels(store: DecisionStore, receiver: TakesEvents | None, stack: ExitStack) -> None:
    """Have the labels of outcomes sent to what decides, if anything does."""
    if receiver is None:
        return
    sender = LabelSender(store.database, receiver, SYSTEM_CLOCKS.wall_ms)
    sender.start()
    stack.callback(sender.stop)


def _block_list_of(job: JobConfig) -> BlockList | None:
    """None for a job without a control stream. Raises StartError and KeyFileError."""
    if isinstance(job.control, NoControl):
        return None
    try:
        return BlockList(
            open_channel(job.control),
            Authority(authority_settings(job.control)),
            key_of_environment(),
            SYSTEM_CLOCKS.wall_ms,
        )
    except ChannelError as error:
        raise StartError(str(error)) from None


class ConsoleServer(uvicorn.Server):
    """Ends the streams of open tabs, which would keep it waiting, and what pages have begun, when it stops."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(config)
        self._end = end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end()
        await super().shutdown(sockets)


def _open_store(options: ConsoleOptions, feature_sets: FeatureSets, stack: ExitStack) -> DecisionStore:
    """Raises StoreError, and StartError without a key or a person where one is needed."""
    store = DecisionStore.open(options.store_url, feature_sets)
    stack.callback(store.close)
    has_keys = any(key.revoked_ms is None for key in store.keys())  # noqa: SIM118
    has_people = options.oidc is not None or bool(accounts(store.database))
    if not is_loopback(options.api.host) and not has_keys and not has_people:
        raise StartError(
            f"{options.api.host} needs API keys or people, and the store has none; add one: "
            "fraud console keys add NAME --role admin, fraud console users add NAME --role admin"
        )
    return store


def program_version() -> str:
    """The version of the installed distribution; of a source tree that is not installed, `source`."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "source"


@contextmanager
def _listening(settings: ApiSettings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else str(error)
        raise StartError(f"{settings.host}:{settings.port}: {told}; give another --port or --host") from None
    with listener:
        yield listener


def server_of(services: Services) -> uvicorn.Server:
    """A server that has not begun."""
    app = create_app(services)

    def end() -> None:
        app.state.live.close()
        app.state.previews.close()

    return ConsoleServer(_config(services, app), end)


def _config(services: Services, app: FastAPI) -> uvicorn.Config:
    settings = services.settings
    return uvicorn.Config(
        app,
        http=protocol_of(settings),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _stop(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
