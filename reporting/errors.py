"""Errors of the files of a run."""

from __future__ import annotations


class RunFilesError(ValueError):
    """The files of a run cannot be read; the message is one line with file, line number and remedy."""
