"""`fraud features`: the catalogue."""

from __future__ import annotations

from difflib import get_close_matches

import click

from cli.errors import UserError


@click.command(name="features")
@click.option("--explain", metavar="NAME", help="Tell everything about one feature.")
@click.option("--family", metavar="FAMILY", help="Only one family.")
def command(explain: str | None, family: str | None) -> None:
    """List every feature by family with its unit and formula, or explain one.

    The same catalogue makes the features in the job, in replays and in training. NaN means: not known.
    """
    from udfs.features.catalogue import FAMILIES, FEATURE_SET_VERSION, NAMES, family_of

    if explain is not None:
        if explain not in NAMES:
            close = get_close_matches(explain, NAMES, n=3)
            raise UserError(f"no feature {explain!r}" + (f"; close: {', '.join(close)}" if close else ""))
        name = family_of(explain)
        feature = next(feature for feature in FAMILIES[name][0] if feature.name == explain)
        click.echo(f"{feature.name}\n  family   {name}\n  unit     {feature.unit or '-'}\n  formula  {feature.formula}")
        click.echo(
            f"  version  {feature.version}\n  input    number {NAMES.index(explain)} of the model's {len(NAMES)}"
        )
        return
    if family is not None and family not in FAMILIES:
        raise UserError(f"no family {family!r}: there are {', '.join(FAMILIES)}")
    for name, (features, _) in FAMILIES.items():
        if family in (None, name):
            click.secho(f"{name} ({len(features)})", bold=True)
            for feature in features:
                click.echo(f"  {feature.name:28} {feature.unit:28} {feature.formula}")
    click.echo(f"{len(NAMES)} features, feature set {FEATURE_SET_VERSION}")
