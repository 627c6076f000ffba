"""`fraud topics`: the Kafka topics of a job."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cli.errors import UserError

INTERRUPTED = 130


@click.group(name="topics")
def command() -> None:
    """Create the Kafka topics of a job's config file, or read the job's output topics."""


@command.command(name="create")
@click.option("--config", "file", required=True, type=click.Path(path_type=Path), help="The job's config file.")
@click.option("--partitions", default=4, show_default=True, type=click.IntRange(1), help="Partitions of new topics.")
@click.option(
    "--replication", type=click.IntRange(1), help="Replication factor of new topics.  [default: the brokers']"
)
def create(file: Path, partitions: int, replication: int | None) -> None:
    """Create the missing topics of the config file's source, sinks and control stream; existing topics are not changed.

    \b
    fraud topics create --config deploy/conf/kafka.yaml --partitions 8 --replication 3
    """
    from jobs.config.errors import ConfigError
    from jobs.config.loading import load_config
    from jobs.kafka.topics import create_topics, topics_of

    try:
        topics = topics_of(load_config(file))
        if not topics:
            raise UserError(f"{file} names no Kafka topic: its source and sinks are of other kinds")
        states = create_topics(topics, partitions, replication)
    except ConfigError as error:
        raise UserError(str(error)) from None
    width = max(len(state.name) for state in states)
    for state in states:
        other = (
            ""
            if state.state == "made" or state.partitions == partitions
            else f", not {partitions}: existing topics are not changed"
        )
        click.echo(f"{state.name:{width}}  {state.state}, {state.partitions} partitions{other}")


@command.command(name="read")
@click.argument("output", type=click.Choice(["decisions", "alerts", "flags", "dead-letters"]))
@click.option("--config", "file", required=True, type=click.Path(path_type=Path), help="The job's config file.")
@click.option(
    "--last", default=10, show_default=True, type=click.IntRange(0), help="Number of newest records of each partition."
)
@click.option("--follow", is_flag=True, help="Continue with new records, until Ctrl-C.")
def read(output: str, file: Path, last: int, follow: bool) -> None:
    """Show the newest records of an OUTPUT, one a line; of dead letters, the headers as JSON.

    \b
    fraud topics read alerts --config deploy/conf/kafka.yaml --follow
    """
    from kafka.errors import KafkaError

    from jobs.config.errors import ConfigError
    from jobs.config.kafka import KafkaSink
    from jobs.config.loading import load_config
    from jobs.kafka.administration import administration
    from jobs.kafka.reading import newest_records

    try:
        sink = next((sink for sink in load_config(file).sinks if isinstance(sink, KafkaSink)), None)
        if sink is None:
            raise UserError(f"{file} has no sink of kind kafka")
        with administration(sink.connection):  # raises ConfigError with the cause if the connection fails
            pass
        topic = next(name for destination, name in sink.topic_names.items() if destination == output)
        for record in newest_records(sink, topic, last, follow):
            if output == "dead-letters":
                headers = {name: value.decode(errors="replace") for name, value in record.headers}
                click.echo(json.dumps(headers | {"bytes": len(record.value or b"")}, ensure_ascii=False))
            else:
                click.echo(record.value)
    except ConfigError as error:
        raise UserError(str(error)) from None
    except KafkaError as error:
        raise UserError(f"Kafka: {type(error).__name__}: {error}") from None
    except KeyboardInterrupt:
        click.get_current_context().exit(INTERRUPTED)
