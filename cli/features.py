"""`fraud features`: the feature catalogue, and a user's online features."""

from __future__ import annotations

import time
from difflib import get_close_matches
from pathlib import Path

import click

from cli.errors import UserError
from cli.store_options import chosen_store, opened, store_options


@click.group(name="features", invoke_without_command=True)
@click.option("--explain", metavar="NAME", help="Show all properties of one feature.")
@click.option("--family", metavar="FAMILY", help="List only one family.")
@click.pass_context
def command(context: click.Context, explain: str | None, family: str | None) -> None:
    """List every feature by family with its unit and formula, or explain one.

    The same catalogue computes the features in the job, in replays and in training. NaN: not known.
    `fraud features get USER` shows a user's online features.
    """
    if context.invoked_subcommand is not None:
        return
    from udfs.features.catalogue import FAMILIES, FEATURE_SET_VERSION, NAMES

    if explain is not None:
        _explain(explain)
        return
    if family is not None and family not in FAMILIES:
        raise UserError(f"no family {family!r}; families: {', '.join(FAMILIES)}")
    for name, features in FAMILIES.items():
        if family in (None, name):
            click.secho(f"{name} ({len(features)})", bold=True)
            for feature in features:
                click.echo(f"  {feature.name:28} {feature.unit:28} {feature.formula}")
    click.echo(f"{len(NAMES)} features, feature set {FEATURE_SET_VERSION}")


@command.command(name="get")
@click.argument("user")
@store_options
def get(user: str, config: Path | None, address: str | None) -> None:
    """Show the newest online features of USER as other services read them, and how old they are.

    \b
    fraud features get U00017 --config deploy/conf/redis.yaml

    The job writes them with `online_features: {kind: store}`; they expire some minutes (5 by default) after a user's last
    payment. Exit code 1 if there are none.
    """
    with opened(chosen_store(config, address)) as store:
        found = store.online_features(user)
    if found is None:
        click.echo(f"no online features of {user}: never written, or expired", err=True)
        raise click.exceptions.Exit(1)
    age_s = (time.time_ns() // 1_000_000 - found.event_time_ms) / 1_000
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(found.event_time_ms // 1_000))
    click.echo(f"{'user_id':26} {found.user_id}")
    click.echo(f"{'event_time':26} {at}.{found.event_time_ms % 1_000:03}Z, {age_s:,.1f} s ago")
    for name in found.__struct_fields__[2:]:
        value = getattr(found, name)
        click.echo(f"{name:26} {'not known' if value is None else f'{value:.12g}'}")


def _explain(name: str) -> None:
    from udfs.features.catalogue import FEATURES, NAMES

    if name not in NAMES:
        close = get_close_matches(name, NAMES, n=3)
        raise UserError(f"no feature {name!r}" + (f"; close: {', '.join(close)}" if close else ""))
    feature = FEATURES[NAMES.index(name)]
    click.echo(
        f"{feature.name}\n  family   {feature.family}\n  unit     {feature.unit or '-'}\n  formula  {feature.formula}"
    )
    click.echo(f"  version  {feature.version}\n  input    number {NAMES.index(name)} of the model's {len(NAMES)}")
    words, signal = feature.words, feature.signal
    click.echo(f"  concept  {signal.concept}\n  risky    {signal.direction}\n  raised   {words.raised}")
    for state, text in (("lowered", words.lowered), ("unknown", words.unknown)):
        if text:
            click.echo(f"  {state}  {text}")
