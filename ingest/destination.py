"""Output paths of a conversion: a folder with one file per kind, or a single file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import InputError
from ingest.targets import EVENTS_FILE, Target

ERRORS_FILE = "errors.jsonl"
DROPPED_FILE = "dropped.jsonl"
TRUTH_FILE = "truth.jsonl"
EXTRA_FILE = "extra.jsonl"
_FILE_SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Destination:
    """The paths of all outputs. `only_file`, where set, holds all records; the reports are in the same folder."""

    folder: Path
    only_file: Path | None = None

    @property
    def errors(self) -> Path:
        return self.folder / ERRORS_FILE

    @property
    def dropped(self) -> Path:
        return self.folder / DROPPED_FILE

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
    """The destination for `--out`: a file where the path ends in .jsonl, otherwise a folder. Creates the folder.

    Raises InputError where kinds with different files would share one file, where an output would replace an input, and
    where the folder cannot be created.
    """
    is_file = out.suffix == _FILE_SUFFIX and not out.is_dir()
    result = Destination(out.parent, out) if is_file else Destination(out)
    names = sorted({target.file_name for target in targets} - {""})
    if is_file and len(names) > 1:
        raise InputError(f"--out {out} is one file, but the mappings write {' and '.join(names)}: set a folder instead")
    if is_file and out.name in (ERRORS_FILE, DROPPED_FILE, TRUTH_FILE, EXTRA_FILE):
        raise InputError(f"--out {out}: the name is reserved for a report in the same folder; choose another name")
    records = {result.records(target) for target in targets if target.file_name}
    outputs = {result.errors, result.dropped, result.truth, result.extra, *records}
    clash = {path.resolve() for path in outputs} & {path.resolve() for path in inputs}
    if clash:
        raise InputError(f"--out would replace the input {min(clash)}: choose another folder")
    try:
        result.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot create the folder {result.folder}: {error.strerror or error}") from None
    return result
