"""Where a conversion writes: a folder with files named by kind, or one file that the user names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import InputError
from ingest.targets import EVENTS_FILE, Target

ERRORS_FILE = "errors.jsonl"
TRUTH_FILE = "truth.jsonl"
EXTRA_FILE = "extra.jsonl"
_FILE_SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Destination:
    """`only_file` takes the records where the user named a file; the reports stand beside it."""

    folder: Path
    only_file: Path | None = None

    @property
    def errors(self) -> Path:
        return self.folder / ERRORS_FILE

    @property
    def truth(self) -> Path:
        return self.folder / TRUTH_FILE

    @property
    def extra(self) -> Path:
        return self.folder / EXTRA_FILE

    @property
    def events(self) -> Path:
        return self.only_file or self.folder / EVENTS_FILE

    def records(self, target: Target) -> Path:
        """The file of a kind's records."""
        return self.only_file or self.folder / target.file_name


def destination(out: Path, targets: Sequence[Target], inputs: Sequence[Path]) -> Destination:
    """The place that `--out` means: a file where it ends in .jsonl, else a folder, which is made.

    Raises InputError where kinds of several files would go into one, or an output would replace an input.
    """
    is_file = out.suffix == _FILE_SUFFIX and not out.is_dir()
    place = Destination(out.parent, out) if is_file else Destination(out)
    names = sorted({target.file_name for target in targets})
    if is_file and len(names) > 1:
        raise InputError(f"--out {out} is one file, but the mappings make {' and '.join(names)}: name a folder instead")
    if is_file and out.name in (ERRORS_FILE, TRUTH_FILE, EXTRA_FILE):
        raise InputError(f"--out {out}: a report of that name is written beside the output; choose another name")
    outputs = {place.errors, place.truth, place.extra, *(place.records(target) for target in targets)}
    clash = {path.resolve() for path in outputs} & {path.resolve() for path in inputs}
    if clash:
        raise InputError(f"--out would replace the input {min(clash)}: choose another folder")
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {place.folder}: {error.strerror or error}") from None
    return place
