"""How a command tells its user what to change: one line, exit code 2."""

from __future__ import annotations

import click


class UserError(click.ClickException):
    """Something the user can put right; the message says what."""

    exit_code = 2
