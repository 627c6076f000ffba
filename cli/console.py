"""`fraud console`: serves the pages and the API, and manages people, keys and the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.console_keys import STORE_VARIABLE, keys, opened
from cli.console_store import store, take_run
from cli.console_users import users
from cli.errors import UserError
from cli.list_option import LISTS, check_rules_of_command
from console.settings import FALLBACKS, SCORER_LOG, STORE_URL, ApiSettings, SettingsError

if TYPE_CHECKING:
    from console.notifications.settings import NotificationSettings
    from console.oidc.settings import OidcClient
    from console.server import ConsoleOptions, EmbeddedOptions
    from console.settings import Fallback

RUN_STORE = "console.sqlite"
LOG_LEVELS = ["debug", "info", "warning", "error"]


@click.group(name="console", invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True,
              help="Address to listen on; any but loopback needs keys and sign-in.")  # fmt: skip
@click.option("--port", default=8717, show_default=True, type=click.IntRange(0, 65_535))
@click.option(
    "--run", "run_folder", type=click.Path(path_type=Path), help="Open a scored run, such as out/demo, for reading."
)
@click.option("--config", type=click.Path(path_type=Path), help="Sit beside the running job of this config file.")
@click.option("--store", "store_url", metavar="URL", envvar=STORE_VARIABLE,
              help=f"Decision store, sqlite:///FILE or postgresql://…  [default: {STORE_URL}]")  # fmt: skip
@click.option("--log", "log_path", type=click.Path(path_type=Path), default=Path(SCORER_LOG),
              show_default=True, help="The scorer's users and answers.")  # fmt: skip
@click.option("--bundle", type=click.Path(path_type=Path), help="Model bundle; the shipped one by default.")
@click.option("--rules", default="bank", show_default=True, help="Rule file, or the name of a shipped pack.")
@LISTS
@click.option("--statistics", type=click.Path(path_type=Path), help="Population statistics (`fraud stats`).")
@click.option(
    "--reference", type=click.Path(path_type=Path), help="Folder of users, merchants, devices, feeds, block list."
)
@click.option("--histories", type=click.Path(path_type=Path), help="Entity history (`fraud aggregate`).")
@click.option("--fx-rates", type=click.Path(path_type=Path),
              help="CSV of currency,valid_from,rate; without it all currencies count 1:1.")  # fmt: skip
@click.option("--base-currency", default="USD", show_default=True,
              help="ISO 4217 code that amounts are summed in; a scorer's log keeps it.")  # fmt: skip
@click.option("--fallback", type=click.Choice(FALLBACKS), default="refer", show_default=True,
              help="Answer to a payment whose decision does not come in time.")  # fmt: skip
@click.option("--deadline-ms", default=500, show_default=True, type=click.IntRange(1, 29_999),
              help="Time for a decision, in milliseconds.")  # fmt: skip
@click.option("--rate", "requests_per_minute", default=120_000, show_default=True, type=click.IntRange(1),
              help="Requests a minute of one key.")  # fmt: skip
@click.option("--allowed-host", "allowed_hosts", multiple=True, metavar="NAME",
              help="Name by which a proxy in front is called; may be given again.")  # fmt: skip
@click.option("--require-keys", is_flag=True, help="Ask for API keys and sign-in on loopback, too.")
@click.option("--notifications", "notifications_file", type=click.Path(path_type=Path),
              help="YAML file of whom to tell of alerts, and how (docs/console.md).")  # fmt: skip
@click.option("--oidc", "oidc_file", type=click.Path(path_type=Path), envvar="FRAUD_CONSOLE_OIDC",
              help="YAML file of the OpenID Connect provider that people sign in with (docs/console.md).")  # fmt: skip
@click.option("--flink", "flink_address", metavar="URL", envvar="FRAUD_CONSOLE_FLINK",
              help="With --config: Flink's REST interface, like http://jobmanager:8081, for the page System.")  # fmt: skip
@click.option("--skip-missing", is_flag=True,
              help="With --config: where records that the store lacks are gone from Kafka, go on after them.")  # fmt: skip
@click.option("--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True,
              help="Of the JSON lines on standard error; debug has every request.")  # fmt: skip
@click.pass_context
def command(
    context: click.Context,
    host: str,
    port: int,
    run_folder: Path | None,
    config: Path | None,
    store_url: str | None,
    log_path: Path,
    bundle: Path | None,
    rules: str,
    lists: Path | None,
    statistics: Path | None,
    reference: Path | None,
    histories: Path | None,
    fx_rates: Path | None,
    base_currency: str,
    fallback: Fallback,
    deadline_ms: int,
    requests_per_minute: int,
    allowed_hosts: tuple[str, ...],
    require_keys: bool,
    notifications_file: Path | None,
    oidc_file: Path | None,
    flink_address: str | None,
    skip_missing: bool,
    log_level: str,
) -> None:
    """Pages to work on alerts, and an API to decide payments. Ctrl-C stops it; the next start goes on where it was.

    \b
    fraud console
    curl -H 'Content-Type: application/json' http://127.0.0.1:8717/v1/decisions \\
         -d '{"transaction_id": "T1", "user_id": "U1", "timestamp": "2026-01-05T03:00:00Z", "amount": 5000,
              "channel": "atm", "entry_mode": "manual", "merchant_id": "M1", "device_id": "D1"}'
    """
    if context.invoked_subcommand is not None:
        if context.get_parameter_source("store_url") is click.core.ParameterSource.COMMANDLINE:
            raise UserError(f"give --store at the end, after {context.invoked_subcommand}")
        return
    import msgspec

    from console.api.logs import set_up_logs
    from console.scored_run import replay_source, what_decided
    from console.server import ConsoleOptions, StartError, serve

    if run_folder is not None and config is not None:
        raise UserError("give --run or --config, not both")
    if flink_address is not None and config is None:
        raise UserError("--flink belongs to --config: it is the cluster of the job beside the console")
    if skip_missing and config is None:
        raise UserError("--skip-missing belongs to --config: it is about the topics of the job beside the console")
    try:
        api = ApiSettings(
            host=host, port=port, require_keys=True if require_keys else None, fallback=fallback, deadline_ms=deadline_ms,
            requests_per_minute=requests_per_minute, allowed_hosts=allowed_hosts,
        )  # fmt: skip
    except SettingsError as error:
        raise UserError(str(error)) from None
    set_up_logs(log_level)
    if config is not None:
        options = _beside_job(config, api, store_url or STORE_URL)
    elif run_folder is not None:
        options = ConsoleOptions(
            api=api, store_url=store_url or _store_of_run(run_folder), decided=what_decided(run_folder),
            replay_source=replay_source(run_folder),
        )  # fmt: skip
        with opened(options.store_url, make=True) as run_store:
            take_run(run_store, run_folder)
    else:
        embedded = _embedded(log_path, bundle, rules, lists, statistics, reference, histories, fx_rates, base_currency)
        options = ConsoleOptions(api=api, store_url=store_url or STORE_URL, embedded=embedded)
    options = msgspec.structs.replace(
        options, notifications=_notifications(notifications_file), flink_address=flink_address, oidc=_oidc(oidc_file),
        skip_missing=skip_missing,
    )  # fmt: skip
    try:
        serve(
            options,
            lambda url: click.echo(
                f"console at {url}, pages at {url}/, API described at {url}/openapi.json; Ctrl-C stops it"
            ),
        )
    except StartError as error:
        raise UserError(str(error)) from None


command.add_command(keys)
command.add_command(users)
command.add_command(store)


def _notifications(file: Path | None) -> NotificationSettings | None:
    import os

    from console.notifications.settings import NotificationError, load_settings

    try:
        return None if file is None else load_settings(file, os.environ)
    except NotificationError as error:
        raise UserError(str(error)) from None


def _oidc(file: Path | None) -> OidcClient | None:
    import os

    from console.oidc.settings import OidcSettingsError, load_settings

    try:
        return None if file is None else load_settings(file, os.environ)
    except OidcSettingsError as error:
        raise UserError(str(error)) from None


def _embedded(
    log_path: Path,
    bundle: Path | None,
    rules: str,
    lists: Path | None,
    statistics: Path | None,
    reference: Path | None,
    histories: Path | None,
    fx_rates: Path | None,
    base_currency: str,
) -> EmbeddedOptions:
    from console.server import EmbeddedOptions
    from jobs.config.value_types import shipped_bundle
    from udfs.records.codec import is_currency_code
    from udfs.scoring.settings import ScorerPaths

    if not is_currency_code(base_currency):
        raise UserError(f"--base-currency: {base_currency!r} is not an ISO 4217 code of three capital letters")
    check_rules_of_command(rules, lists, bundle)
    paths = ScorerPaths(
        bundle=str(bundle or shipped_bundle()),
        rules=rules,
        lists=_text(lists),
        statistics=_text(statistics),
        reference=_text(reference),
        histories=_text(histories),
        fx_rates=_text(fx_rates),
    )
    return EmbeddedOptions(paths=paths, log_path=log_path, base_currency=base_currency)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _beside_job(config: Path, api: ApiSettings, store_url: str) -> ConsoleOptions:
    """Options of a console whose answers come from a job."""
    from console.server import ConsoleOptions
    from jobs.config.errors import ConfigError
    from jobs.config.kafka import KafkaSource, NoReplies
    from jobs.config.loading import load_config

    try:
        job = load_config(config)
    except ConfigError as error:
        raise UserError(str(error)) from None
    if isinstance(job.replies, NoReplies):
        click.echo(
            f"{config} has no section `replies`: this console reads and decides nothing (docs/kafka.md)", err=True
        )
    elif isinstance(job.source, KafkaSource) and job.source.mapping is not None:
        click.echo(
            f"{config} has a source.mapping: the job does not read events of docs/events.md, which callers send; "
            "this console reads and decides nothing",
            err=True,
        )
    return ConsoleOptions(api=api, store_url=store_url, job=job)


def _store_of_run(folder: Path) -> str:
    """A file in the folder of the run, which must be there."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give that of a scored run, such as out/demo")
    return f"sqlite:///{folder / RUN_STORE}"
