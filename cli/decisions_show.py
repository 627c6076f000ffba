"""`fraud decisions show`: prints decisions from files, standard input or Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.decision_input import STANDARD_INPUT, DecisionLine, decision_files, lines_of_files, records_of_topic
from cli.errors import UserError
from cli.feature_sets import bundle_of_run, feature_sets_of_bundles
from udfs.records.outputs import ACTIONS

if TYPE_CHECKING:
    from jobs.config.kafka import KafkaSink


@click.command(name="show")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--config", "job_file", type=click.Path(path_type=Path),
              help="In place of FILE: the job's config file, whose Kafka topic of decisions is read.")  # fmt: skip
@click.option("--topic", help="In place of FILE: the Kafka topic to read; with --config or --servers.")
@click.option("--servers", help="Brokers of --topic, host:port, in place of --config (without TLS and login).")
@click.option("--last", type=click.IntRange(1), help="Read only the newest records of each partition.  [default: all]")
@click.option("--transaction", "transactions", multiple=True, metavar="ID", help="Only of this transaction.")
@click.option("--user", "users", multiple=True, metavar="ID", help="Only of this user.")
@click.option("--action", "actions", multiple=True, type=click.Choice(ACTIONS), help="Only with this action.")
@click.option("--limit", type=click.IntRange(1), help="Maximum number of decisions.")
@click.option("--features", "shown", type=click.Choice(["known", "all", "none"]), default="known", show_default=True,
              help="Features to list: those with a value, all, or none.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with its features by name.")
@click.option("--bundle", "bundles", multiple=True, type=click.Path(path_type=Path),
              help="A bundle that decisions were scored with, for the names of their packed features.")  # fmt: skip
def show(
    files: tuple[Path, ...],
    job_file: Path | None,
    topic: str | None,
    servers: str | None,
    last: int | None,
    transactions: tuple[str, ...],
    users: tuple[str, ...],
    actions: tuple[str, ...],
    limit: int | None,
    shown: str,
    as_json: bool,
    bundles: tuple[Path, ...],
) -> None:
    """Show the decisions of FILE: time, payment, action, reasons, the parts of the score, and the features by name, named
    or packed. FILE is a JSON Lines file, plain or gzip, a folder of `fraud score` or of a files sink, or - for standard
    input. Filters may be repeated: a decision must match one value of each filter.

    The names of packed features come from the bundle in job.yaml beside FILE or in --config, from this program's feature
    set, and from each --bundle. A decision of another feature set is an error (exit code 2), except with --features none.
    Duplicates are skipped.

    \b
    fraud decisions show out/score --transaction T000123                      # one payment
    fraud decisions show out/score --action hard_block --features none        # why payments were blocked
    fraud decisions show --config deploy/conf/kafka.yaml --user U17 --last 5000
    fraud decisions show --topic decisions --servers localhost:9092 --limit 3
    zcat old/*.gz | fraud decisions show - --json --bundle old/bundle | jq .features.amount
    """
    from cli.decision_text import Shown, as_text, decode_decision, with_features_by_name
    from udfs.records.logged_features import FeaturesError

    lines, found_bundles = _input(files, job_file, topic, servers, last)
    feature_sets = feature_sets_of_bundles([*found_bundles, *bundles])
    count = matching = duplicates = 0
    for line in lines:
        decision = decode_decision(line)
        if not isinstance(decision, Shown):
            duplicates += 1
            continue
        count += 1
        if not (
            (not transactions or decision.transaction_id in transactions)
            and (not users or decision.user_id in users)
            and (not actions or decision.action in actions)
        ):
            continue
        matching += 1
        try:
            if as_json:
                text = with_features_by_name(line.value, decision, feature_sets, shown != "none")
            else:
                text = as_text(decision, feature_sets, shown) + "\n"
        except FeaturesError as error:
            raise UserError(f"{line.place}: {error}") from None
        click.echo(text)
        if matching == limit:
            break
    skipped = f", {duplicates:,} duplicates skipped" if duplicates else ""
    click.echo(f"{matching:,} of {count:,} decisions{skipped}", err=True)


def _input(
    files: tuple[Path, ...], job_file: Path | None, topic: str | None, servers: str | None, last: int | None
) -> tuple[Iterator[DecisionLine], list[Path]]:
    """The lines to read, and the bundles named by job.yaml or the config. Raises UserError."""
    by_topic = [value for value in (job_file, topic, servers, last) if value is not None]
    if files:
        if by_topic:
            raise UserError("give either FILE or a topic (--config, --topic, --servers, --last), not both")
        found = decision_files(files)
        folders = dict.fromkeys(file.parent for file in found if file != STANDARD_INPUT)
        bundles = [bundle for folder in folders if (bundle := bundle_of_run(folder)) is not None]
        return lines_of_files(found), bundles
    if job_file is None and (topic is None or servers is None):
        raise UserError("give FILE, - for the standard input, --config, or --topic with --servers")
    sink, bundles = _sink(job_file, servers)
    return records_of_topic(sink, topic or sink.topic_names["decisions"], last), bundles


def _sink(job_file: Path | None, servers: str | None) -> tuple[KafkaSink, list[Path]]:
    from pydantic import ValidationError

    from jobs.config.errors import ConfigError
    from jobs.config.kafka import KafkaSink
    from jobs.config.loading import load_config

    if job_file is None:
        try:
            return KafkaSink.model_validate({"kind": "kafka", "connection": {"bootstrap_servers": servers}}), []
        except ValidationError as error:
            raise UserError(f"--servers: {error.errors()[0]['ctx']['error']}") from None
    if servers is not None:
        raise UserError("give either --config or --servers")
    try:
        config = load_config(job_file)
    except ConfigError as error:
        raise UserError(str(error)) from None
    sink = next((sink for sink in config.sinks if isinstance(sink, KafkaSink)), None)
    if sink is None:
        raise UserError(f"{job_file} has no sink of kind kafka: give the files of its decisions")
    return sink, [Path(config.scoring.bundle)]
