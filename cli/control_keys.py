"""`fraud control keygen`: makes a key that signs control elements."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import UserError


@click.command(name="keygen", epilog="Example: fraud control keygen ~/.fraud/control.pem --person alice")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--person", help="Whose key it is.  [default: the user of this machine]")
def keygen(file: Path, person: str | None) -> None:
    """Make an Ed25519 key: the private one in FILE, which only its owner may read; prints the line of the public one.

    The line belongs into `control.trusted_keys` of the jobs that shall trust the person.
    """
    from getpass import getuser

    from jobs.control.key_files import KeyFileError, write_new_private_key
    from udfs.control.elements import ControlError
    from udfs.control.signing import public_key_of, trusted_key

    try:
        name = " ".join((person or getuser()).split())
        trusted_key(f"{name} {'A' * 43}=")
        click.echo(f"{name} {public_key_of(write_new_private_key(file))}")
    except (KeyFileError, ControlError) as error:
        raise UserError(str(error)) from None
