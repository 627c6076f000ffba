"""`fraud produce`: sends events to Kafka or Kinesis at a constant rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from cli.kafka_producing import Delivery
    from cli.kinesis_producing import KinesisTarget
    from jobs.config.kafka import KafkaConnection
    from simulator.open_loop import Pace

INTERRUPTED = 130


@click.command(name="produce", short_help="Send events to Kafka or Kinesis at a constant rate, in open loop.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="Job's config file; its source is written to.")
@click.option(
    "--to",
    "kind",
    type=click.Choice(["kafka", "kinesis"]),
    default="kafka",
    show_default=True,
    help="Without --config: target system.",
)
@click.option("--stream", help="Name of the Kinesis stream to write to.")
@click.option("--region", help="AWS region of the stream.  [default: of the environment or profile]")
@click.option("--endpoint", help="Endpoint URL in place of AWS's, for emulators.")
@click.option("--servers", help="Brokers, host:port, in place of --config (without TLS and login).")
@click.option("--topic", help="Topic to write to.  [default: the source's first, or `events`]")
@click.option("--events", type=click.Path(path_type=Path), help="Events to send, JSON Lines in order of arrival.")
@click.option(
    "--users", type=click.IntRange(20), help="In place of --events: simulate payments of this number of users."
)
@click.option(
    "--rate", default=1_000.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Events a second."
)
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), help="Duration.  [default: to the end of the events]"
)
@click.option(
    "--repeat", is_flag=True, help="Repeat the events endlessly, with new ids and later timestamps each round."
)
@click.option(
    "--timestamps",
    type=click.Choice(["keep", "now"]),
    default="keep",
    show_default=True,
    help="`now`: replace each timestamp by the time of sending.",
)
@click.option(
    "--linger-ms", default=5, show_default=True, type=click.IntRange(0, 1_000), help="Kafka: wait for fuller batches."
)
def command(
    file: Path | None,
    kind: str,
    stream: str | None,
    region: str | None,
    endpoint: str | None,
    servers: str | None,
    topic: str | None,
    events: Path | None,
    users: int | None,
    rate: float,
    seconds: float | None,
    repeat: bool,
    timestamps: str,
    linger_ms: int,
) -> None:
    """Send events to Kafka or Kinesis at a constant rate, each at its due time, independent of acknowledgements (open loop).

    Records are keyed by user, so that a user's events are on one partition in order; a record's timestamp is its due time.
    Prints the requested and the achieved rate, and by how much records were late. Kinesis gets batches with at most one
    record of a user; throttled records are retried. Exit code 1 if a record was not acknowledged. Ctrl-C flushes and prints
    the result.

    \b
    fraud produce --config deploy/conf/kafka.yaml --events out/history/events.jsonl --rate 5000
    fraud produce --servers localhost:9092 --users 2000 --rate 2000 --seconds 60 --repeat --timestamps now
    fraud produce --to kinesis --stream events --region eu-central-1 --users 2000 --rate 2000 --repeat --timestamps now
    """
    from jobs.config.errors import ConfigError

    if (events is None) == (users is None):
        raise UserError("give either --events or --users")
    try:
        target = _kinesis_target(file, kind, stream, region, endpoint)
        connection = None if target is not None else _kafka_target(file, servers)
        source = _file_lines(events) if events is not None else _simulated(users or 0)
        delivery = _produce(target, connection, topic, source, rate, seconds, repeat, timestamps == "now", linger_ms)
    except (ConfigError, ValueError) as error:
        raise UserError(str(error)) from None
    _report(delivery.pace, delivery.acknowledged, delivery.error)
    if delivery.records_before:
        click.echo(
            f"the topic already held {delivery.records_before:,} records: events whose ids are among them are duplicates, "
            "which the job does not score again. Each run sends the same ids; with --repeat they are new from the second "
            "round on",
            err=True,
        )
    elif target is not None:
        click.echo(
            f"each run sends the same ids: where {target.stream} already held these events they are duplicates, which the "
            "job does not score again; with --repeat ids are new from the second round on",
            err=True,
        )
    if delivery.interrupted:
        click.get_current_context().exit(INTERRUPTED)
    if delivery.acknowledged < delivery.pace.sent:
        click.get_current_context().exit(1)


def _produce(
    target: KinesisTarget | None,
    kafka: tuple[KafkaConnection, str] | None,
    topic: str | None,
    source: Callable[[], Iterable[bytes]],
    rate: float,
    seconds: float | None,
    repeat: bool,
    now: bool,
    linger_ms: int,
) -> Delivery:
    if target is not None:
        from cli.kinesis_producing import produce_to_kinesis

        return produce_to_kinesis(target, source, rate, seconds, repeat, now)
    from cli.kafka_producing import produce

    assert kafka is not None
    connection, first_topic = kafka
    return produce(connection, topic or first_topic, source, rate, seconds, repeat, now, linger_ms)


def _kinesis_target(
    file: Path | None, kind: str, stream: str | None, region: str | None, endpoint: str | None
) -> KinesisTarget | None:
    """The Kinesis stream to write to; None if the target is Kafka. Raises UserError, ConfigError."""
    from cli.kinesis_producing import KinesisTarget
    from jobs.config.aws import KinesisSource
    from jobs.config.loading import load_config

    if file is not None:
        source = load_config(file).source
        if source.mapping is not None:
            raise UserError(
                f"{file}: source.mapping: the source has foreign JSON, but `fraud produce` sends events of the contract; "
                "give a topic or stream of events with --servers or --stream"
            )
        if not isinstance(source, KinesisSource):
            return None
        return KinesisTarget(source.stream_name, source.region, source.endpoint)
    if kind != "kinesis":
        return None
    if stream is None:
        raise UserError("give --stream NAME with --to kinesis")
    return KinesisTarget(stream, region, endpoint)


def _kafka_target(file: Path | None, servers: str | None) -> tuple[KafkaConnection, str]:
    from pydantic import ValidationError

    from jobs.config.kafka import KafkaConnection, KafkaSource
    from jobs.config.loading import load_config

    if (file is None) == (servers is None):
        raise UserError("give either --config or --servers, or --to kinesis with --stream")
    if file is not None:
        source = load_config(file).source
        if not isinstance(source, KafkaSource):
            raise UserError(f"{file}: the source is of kind {source.kind}, neither kafka nor kinesis")
        return source.connection, source.topics[0]
    try:
        return KafkaConnection.model_validate({"bootstrap_servers": servers}), "events"
    except ValidationError as error:
        raise UserError(f"--servers: {error.errors()[0]['ctx']['error']}") from None


def _file_lines(path: Path) -> Callable[[], Iterable[bytes]]:
    from cli.event_input import check_events

    check_events(path)

    def lines() -> Iterable[bytes]:
        with path.open("rb") as file:
            for line in file:
                if line := line.rstrip(b"\r\n"):
                    yield line

    return lines


def _simulated(users: int) -> Callable[[], Iterable[bytes]]:
    from datetime import UTC, datetime

    from simulator.config import SimulatorConfig
    from simulator.generate import simulate

    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    simulation = simulate(SimulatorConfig(users=users, days=30, start_ms=int(start.timestamp() - 30 * 86_400) * 1_000))
    return lambda: simulation.events


def _report(pace: Pace, acknowledged: int, error: str | None) -> None:
    click.echo(
        f"requested {pace.asked_rate:,.0f}/s, achieved {pace.achieved_rate:,.0f}/s: {pace.sent:,} events "
        f"in {pace.seconds:.1f} s, {acknowledged:,} acknowledged"
    )
    late = ", ".join(f"{name} {pace.lateness_ms(share):,.1f} ms" for name, share in (("p50", 0.5), ("p99", 0.99)))
    click.echo(f"delay after the due time: {late}")
    if pace.achieved_rate < 0.98 * pace.asked_rate:
        click.echo("the requested rate was not reached: this machine or the brokers are too slow", err=True)
    if acknowledged < pace.sent:
        click.echo(f"{pace.sent - acknowledged:,} events were not acknowledged: {error}", err=True)
