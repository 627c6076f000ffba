"""`fraud produce`: events to Kafka or Kinesis at a set rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from cli.kafka_producing import Delivery
    from cli.kinesis_producing import KinesisTarget
    from jobs.kafka_settings import KafkaConnection
    from simulator.open_loop import Pace

INTERRUPTED = 130


@click.command(name="produce", short_help="Send events to Kafka or Kinesis at a set rate, in open loop.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="Job's config file; its source is written to.")
@click.option(
    "--to",
    "kind",
    type=click.Choice(["kafka", "kinesis"]),
    default="kafka",
    show_default=True,
    help="Without --config: where to.",
)
@click.option("--stream", help="Kinesis stream to write to, by its name.")
@click.option("--region", help="Its AWS region.  [default: that of the environment or profile]")
@click.option("--endpoint", help="Address in place of AWS's own, for emulators.")
@click.option("--servers", help="Brokers, host:port, in place of --config (without TLS and login).")
@click.option("--topic", help="Topic to write to.  [default: the source's first, or `events`]")
@click.option("--events", type=click.Path(path_type=Path), help="Events to send, JSON Lines in order of arrival.")
@click.option("--users", type=click.IntRange(20), help="In place of --events: simulate so many users' payments now.")
@click.option(
    "--rate", default=1_000.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Events a second."
)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so long.  [default: at the end]")
@click.option("--repeat", is_flag=True, help="Begin again at the end, with ids of the round's own, days later.")
@click.option(
    "--timestamps",
    type=click.Choice(["keep", "now"]),
    default="keep",
    show_default=True,
    help="`now`: events happen when they are sent, in place of when they were recorded.",
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
) -> None:
    """Send events to Kafka or Kinesis at a set rate, each at its moment whether or not they keep up (open loop).

    Records are keyed by user, so that Kafka's default partitioner keeps a user's events on one partition in their order;
    a record's time is the moment that it was due. The report tells the rate that was asked for, the one that was achieved,
    and how late records were. Kinesis takes batches of up to 500 users; what it throttles is sent again. Exit code 1 if a
    record was not acknowledged. Ctrl-C sends what is on its way and reports.

    \b
    fraud produce --config deploy/conf/kafka.yaml --events out/history/events.jsonl --rate 5000
    fraud produce --servers localhost:9092 --users 2000 --rate 2000 --seconds 60 --repeat --timestamps now
    fraud produce --to kinesis --stream events --region eu-central-1 --users 2000 --rate 2000 --repeat --timestamps now
    """
    from jobs.config_errors import ConfigError

    if (events is None) == (users is None):
        raise UserError("give either --events or --users")
    try:
        target = _kinesis_target(file, kind, stream, region, endpoint)
        connection = None if target is not None else _kafka_target(file, servers)
        source = _file_lines(events) if events is not None else _simulated(users or 0)
        delivery = _produce(target, connection, topic, source, rate, seconds, repeat, timestamps == "now")
    except (ConfigError, ValueError) as error:
        raise UserError(str(error)) from None
    _report(delivery.pace, delivery.acknowledged, delivery.error)
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
) -> Delivery:
    if target is not None:
        from cli.kinesis_producing import produce_to_kinesis

        return produce_to_kinesis(target, source, rate, seconds, repeat, now)
    from cli.kafka_producing import produce

    assert kafka is not None
    connection, first_topic = kafka
    return produce(connection, topic or first_topic, source, rate, seconds, repeat, now)


def _kinesis_target(
    file: Path | None, kind: str, stream: str | None, region: str | None, endpoint: str | None
) -> KinesisTarget | None:
    """None: it is Kafka that is meant."""
    from cli.kinesis_producing import KinesisTarget
    from jobs.aws_settings import KinesisSource
    from jobs.config_file import load_config

    if file is not None:
        source = load_config(file).source
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

    from jobs.config_file import load_config
    from jobs.kafka_settings import KafkaConnection, KafkaSource

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
    if not path.is_file():
        raise UserError(f"{path}: no such file")

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
        f"asked for {pace.asked_rate:,.0f}/s, achieved {pace.achieved_rate:,.0f}/s: {pace.sent:,} events "
        f"in {pace.seconds:.1f} s, {acknowledged:,} acknowledged"
    )
    late = ", ".join(f"{name} {pace.lateness_ms(share):,.1f} ms" for name, share in (("p50", 0.5), ("p99", 0.99)))
    click.echo(f"late behind their moment: {late}")
    if pace.achieved_rate < 0.98 * pace.asked_rate:
        click.echo("the rate was not reached: this machine or the brokers are too slow for it", err=True)
    if acknowledged < pace.sent:
        click.echo(f"{pace.sent - acknowledged:,} events were not acknowledged: {error}", err=True)
