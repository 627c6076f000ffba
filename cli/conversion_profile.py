"""Prints what converted transactions look like, so that a wrong mapping shows before anything is scored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ingest.conversion_profile import ConversionProfile

FIELDS_A_LINE = 6


def print_profile(profile: ConversionProfile) -> None:
    """Print period, amounts, users, kinds, frauds, the share of the transactions with each field, and what looks odd."""
    from ingest.conversion_profile import QUANTILES

    if not profile.transactions:
        return
    first, last = _time(profile.first_ms), _time(profile.last_ms)
    click.echo(f"profile: {profile.transactions:,} transactions of {profile.users:,} users, {first} to {last} UTC")
    names = [*(f"{share:.0%}" for share in QUANTILES), "max"]
    amounts = ", ".join(f"{name} {amount:,.2f}" for name, amount in zip(names, profile.amounts, strict=True))
    click.echo(f"  amounts: {amounts}")
    if set(profile.kinds) != {"purchase"}:
        click.echo("  kinds: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(profile.kinds.items())))
    if profile.labelled:
        share = profile.frauds / profile.labelled
        click.echo(f"  frauds: {profile.frauds:,} of {profile.labelled:,} with a known outcome ({share:.3%})")
    known = [f"{name} {share:.0%}" for name, share in profile.known.items()]
    for start in range(0, len(known), FIELDS_A_LINE):
        click.echo(("  known: " if start == 0 else "         ") + ", ".join(known[start : start + FIELDS_A_LINE]))
    for sentence in profile.odd:
        click.echo(f"  odd: {sentence}", err=True)


def _time(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
