"""Why nobody is signed in."""

from __future__ import annotations


class SignInRefused(Exception):
    """The sign-in is not accepted. The message is for the log, one line without secrets; pages say only that it failed."""
