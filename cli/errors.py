"""The error of a command: printed as one line, exit code 2."""

from __future__ import annotations

import click


class UserError(click.ClickException):
    """An error that the user can correct; the message names the remedy."""

    exit_code = 2
