"""What can be wrong with the files of a run."""

from __future__ import annotations


class RunFilesError(ValueError):
    """A run's files cannot be reported on; one line that names the file, the line in it, and what to change."""
